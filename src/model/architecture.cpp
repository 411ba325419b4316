#include "model/architecture.h"

#include <cassert>

namespace snapkv::model {

std::unique_ptr<Architecture> make_architecture(const HyperParameters & params, Weights & weights) {
    assert(params.architecture == "llama");
    return make_llama(params, weights);
}

}  // namespace snapkv::model

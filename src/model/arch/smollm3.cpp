#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

constexpr std::uint32_t kPeriod = 4;  // every fourth layer knows no positions

void read_smollm3(const KeyReader & /*keys*/, HyperParameters & params) {
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        params.rotates.push_back((layer + 1) % kPeriod != 0);
    }
}

}  // namespace

const Family kSmolLm3{.name = "smollm3", .read = read_smollm3};

}  // namespace snapkv::model

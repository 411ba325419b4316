#include "run/logits.h"

#include <algorithm>
#include <cmath>

#include "base/raise.h"

namespace snapkv::run {

void check_logits(std::span<const float> logits) {
    const auto bad = std::find_if(logits.begin(), logits.end(), [](float x) { return std::isnan(x); });
    if (bad != logits.end()) {
        raise_input("the model's logit {} is not a number: its weights are damaged", bad - logits.begin());
    }
}

}  // namespace snapkv::run

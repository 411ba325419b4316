#include "run/logits.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/raise.h"

namespace snapkv::run {

void check_logits(std::span<const float> logits) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const auto bad = std::find_if_not(logits.begin(), logits.end(), [](float x) { return x < kInfinity; });
    if (bad != logits.end()) {
        raise_input("the model's logit {} is {}: its weights are damaged", bad - logits.begin(),
                    std::isnan(*bad) ? "not a number" : "infinite");
    }
    if (std::all_of(logits.begin(), logits.end(), [](float x) { return x == -kInfinity; })) {
        raise_input("all of the model's logits are minus infinity: its weights are damaged");
    }
}

}  // namespace snapkv::run

#include "run/logits.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <vector>

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

ScoredToken score(std::span<const float> logits, Token token, std::uint32_t top) {
    const double greatest = *std::max_element(logits.begin(), logits.end());
    const double sum = std::accumulate(logits.begin(), logits.end(), 0.0, [&](double before, float logit) {
        return before + std::exp(static_cast<double>(logit) - greatest);
    });
    const double log_sum = greatest + std::log(sum);
    const auto logprob = [&](Token of) {
        return static_cast<float>(static_cast<double>(logits[static_cast<std::size_t>(of)]) - log_sum);
    };
    ScoredToken scored{.logprob = logprob(token), .top = {}};
    if (top == 0) {
        return scored;
    }
    std::vector<Token> likeliest(logits.size());
    std::iota(likeliest.begin(), likeliest.end(), 0);
    const auto end = likeliest.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(top, likeliest.size()));
    std::partial_sort(likeliest.begin(), end, likeliest.end(), [&](Token a, Token b) {
        const float of_a = logits[static_cast<std::size_t>(a)];
        const float of_b = logits[static_cast<std::size_t>(b)];
        return of_a > of_b || (of_a == of_b && a < b);
    });
    std::transform(likeliest.begin(), end, std::back_inserter(scored.top), [&](Token of) {
        return TokenProbability{of, logprob(of)};
    });
    std::erase_if(scored.top, [](const TokenProbability & token) { return std::isinf(token.logprob); });
    return scored;
}

}  // namespace snapkv::run

#include "run/sampler.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <vector>

#include "base/raise.h"
#include "llama.h"

namespace snapkv::run {
namespace {

/// Raises unless `low <= value <= high`, and for NaN.
void require_between(const char * flag, float value, float low, float high) {
    if (!(value >= low && value <= high)) {
        raise_usage("{} {}: expected a number from {} to {}", flag, value, low, high);
    }
}

void check(const SamplingOptions & options) {
    if (!std::isfinite(options.temperature) || options.temperature < 0) {
        raise_usage("--temp {}: expected a number of 0 (greedy) or more", options.temperature);
    }
    if (options.top_k < 0) {
        raise_usage("--top-k {}: expected 0 (all tokens) or more", options.top_k);
    }
    require_between("--top-p", options.top_p, 0, 1);
    require_between("--min-p", options.min_p, 0, 1);
    if (!std::isfinite(options.repeat_penalty) || options.repeat_penalty <= 0) {
        raise_usage("--repeat-penalty {}: expected a number above 0 (1 for none)", options.repeat_penalty);
    }
    if (options.repeat_last < 0) {
        raise_usage("repeat_last {}: expected a number of tokens, 0 for none", options.repeat_last);
    }
}

}  // namespace

/// Reused from step to step: the samplers reorder it in place.
struct Sampler::Candidates {
    std::vector<llama_token_data> data;
};

void Sampler::Free::operator()(llama_sampler * sampler) const {
    llama_sampler_free(sampler);
}

Sampler::Sampler(const text::Vocabulary & vocabulary, const SamplingOptions & options, std::span<const Token> history)
    : candidates_(std::make_unique<Candidates>()) {
    check(options);
    chain_.reset(llama_sampler_chain_init(llama_sampler_chain_default_params()));
    const auto add = [this](llama_sampler * sampler) { llama_sampler_chain_add(chain_.get(), sampler); };

    add(llama_sampler_init_penalties(vocabulary.size(), options.repeat_last, options.repeat_penalty, 0, 0));
    if (options.temperature == 0) {
        // Straight to the greatest logit in the order of ids: sorting first would shuffle ties.
        add(llama_sampler_init_greedy());
    } else {
        constexpr std::size_t keep = 1;
        add(llama_sampler_init_top_k(options.top_k));
        add(llama_sampler_init_top_p(options.top_p, keep));
        add(llama_sampler_init_min_p(options.min_p, keep));
        add(llama_sampler_init_temp(options.temperature));
        add(llama_sampler_init_dist(options.seed));
    }
    const std::size_t seen = std::min(history.size(), static_cast<std::size_t>(options.repeat_last));
    for (const Token token : history.last(seen)) {
        llama_sampler_accept(chain_.get(), token);
    }
}

Sampler::~Sampler() = default;
Sampler::Sampler(Sampler &&) noexcept = default;
Sampler & Sampler::operator=(Sampler &&) noexcept = default;

Token Sampler::sample(std::span<const float> logits) {
    assert(!logits.empty());
    std::vector<llama_token_data> & data = candidates_->data;
    data.resize(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) {
        data[i] = {.id = static_cast<Token>(i), .logit = logits[i], .p = 0};
    }
    llama_token_data_array array{.data = data.data(), .size = data.size(), .selected = -1, .sorted = false};
    llama_sampler_apply(chain_.get(), &array);
    assert(array.selected >= 0 && static_cast<std::size_t>(array.selected) < array.size);
    const Token token = array.data[array.selected].id;
    llama_sampler_accept(chain_.get(), token);
    return token;
}

}  // namespace snapkv::run

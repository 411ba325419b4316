#include "run/sampler.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <exception>
#include <limits>
#include <new>
#include <set>
#include <vector>

#include "base/raise.h"
#include "llama.h"
#include "run/logits.h"

namespace snapkv::run {
namespace {

constexpr float most_bias = 1e6F;

/// Raises unless `low <= value <= high`, and for NaN.
void require_between(const char * field, float value, float low, float high) {
    if (!(value >= low && value <= high)) {
        raise_field(field, "{} {}: expected a number from {} to {}", field, value, low, high);
    }
}

void check(const text::Vocabulary & vocabulary, const SamplingOptions & options) {
    if (!std::isfinite(options.temperature) || options.temperature < 0) {
        raise_field("sampling.temperature", "sampling.temperature {}: expected a number of 0 (greedy) or more",
                    options.temperature);
    }
    if (options.top_k < 0) {
        raise_field("sampling.top_k", "sampling.top_k {}: expected 0 (all tokens) or more", options.top_k);
    }
    require_between("sampling.top_p", options.top_p, 0, 1);
    require_between("sampling.min_p", options.min_p, 0, 1);
    if (!std::isfinite(options.repeat_penalty) || options.repeat_penalty <= 0) {
        raise_field("sampling.repeat_penalty", "sampling.repeat_penalty {}: expected a number above 0 (1 for none)",
                    options.repeat_penalty);
    }
    require_between("sampling.frequency_penalty", options.frequency_penalty, -kMostPenalty, kMostPenalty);
    require_between("sampling.presence_penalty", options.presence_penalty, -kMostPenalty, kMostPenalty);
    std::set<Token> biased;
    for (const LogitBias & bias : options.logit_bias) {
        if (!biased.insert(bias.token).second) {
            raise_field("sampling.logit_bias", "sampling.logit_bias names token {} twice", bias.token);
        }
        if (bias.token < 0 || bias.token >= vocabulary.size()) {
            raise_field("sampling.logit_bias", "sampling.logit_bias: the model has no token {}; expected 0 to {}",
                        bias.token, vocabulary.size() - 1);
        }
        if (!(std::abs(bias.bias) <= most_bias) && bias.bias != -std::numeric_limits<float>::infinity()) {
            raise_field(
                "sampling.logit_bias",
                "sampling.logit_bias of token {}: {}; expected a number of at most {} in size, or minus infinity",
                bias.token, bias.bias, most_bias);
        }
    }
    if (options.repeat_last < 0) {
        raise_field("sampling.repeat_last", "sampling.repeat_last {}: expected a number of tokens, 0 for none",
                    options.repeat_last);
    }
}

}  // namespace

/// Reused from step to step: the samplers reorder it in place.
struct Sampler::Candidates {
    std::vector<llama_token_data> data;
};

namespace {

text::SamplerPointer make_biases(const text::Vocabulary & vocabulary, const std::vector<LogitBias> & biases) {
    std::vector<llama_logit_bias> copies;
    for (const LogitBias & bias : biases) {
        copies.push_back({.token = bias.token, .bias = bias.bias});
    }
    return text::SamplerPointer(copies.empty()
                                    ? nullptr
                                    : llama_sampler_init_logit_bias(
                                          vocabulary.size(), static_cast<std::int32_t>(copies.size()), copies.data()));
}

}  // namespace

Sampler::Sampler(const text::Vocabulary & vocabulary, const SamplingOptions & options, std::span<const Token> history)
    : temperature_(options.temperature), candidates_(std::make_unique<Candidates>()) {
    check(vocabulary, options);
    biases_ = make_biases(vocabulary, options.logit_bias);
    penalties_.reset(llama_sampler_init_penalties(vocabulary.size(), options.repeat_last, options.repeat_penalty,
                                                  options.frequency_penalty, options.presence_penalty));
    if (!options.grammar.empty()) {
        grammar_ = text::make_grammar(vocabulary, options.grammar);
    }
    chain_.reset(llama_sampler_chain_init(llama_sampler_chain_default_params()));
    constexpr std::size_t keep = 1;
    for (llama_sampler * sampler :
         {llama_sampler_init_top_k(options.top_k), llama_sampler_init_top_p(options.top_p, keep),
          llama_sampler_init_min_p(options.min_p, keep), llama_sampler_init_temp(options.temperature),
          llama_sampler_init_dist(options.seed)}) {
        llama_sampler_chain_add(chain_.get(), sampler);
    }
    const std::size_t seen = std::min(history.size(), static_cast<std::size_t>(options.repeat_last));
    for (const Token token : history.last(seen)) {
        llama_sampler_accept(penalties_.get(), token);
    }
}

Sampler::~Sampler() = default;
Sampler::Sampler(Sampler &&) noexcept = default;
Sampler & Sampler::operator=(Sampler &&) noexcept = default;

std::optional<Token> Sampler::sample(std::span<const float> logits) {
    check_logits(logits);
    std::optional<Token> token = draw(logits, false);
    if (token && grammar_ != nullptr && !allows(*token)) {
        token = draw(logits, true);
    }
    if (token && grammar_ != nullptr) {
        try {
            llama_sampler_accept(grammar_.get(), *token);
        } catch (const std::bad_alloc &) {
            throw;
        } catch (const std::exception &) {  // a token was allowed for its text, but forbidden by itself
            return std::nullopt;
        }
    }
    if (token) {
        llama_sampler_accept(penalties_.get(), *token);
    }
    return token;
}

bool Sampler::allows(Token token) const {
    llama_token_data only{.id = token, .logit = 0, .p = 0};
    llama_token_data_array array{.data = &only, .size = 1, .selected = -1, .sorted = false};
    llama_sampler_apply(grammar_.get(), &array);
    return only.logit == 0;
}

/// A token by the samplers; where `restricted`, of those that the grammar allows.
std::optional<Token> Sampler::draw(std::span<const float> logits, bool restricted) {
    std::vector<llama_token_data> & data = candidates_->data;
    data.resize(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) {
        data[i] = {.id = static_cast<Token>(i), .logit = logits[i], .p = 0};
    }
    llama_token_data_array array{.data = data.data(), .size = data.size(), .selected = -1, .sorted = false};
    if (biases_ != nullptr) {
        llama_sampler_apply(biases_.get(), &array);
    }
    llama_sampler_apply(penalties_.get(), &array);
    if (restricted && grammar_ != nullptr) {
        llama_sampler_apply(grammar_.get(), &array);
    }
    // In the order of ids, before anything sorts: ties would be shuffled.
    const auto best =
        std::max_element(data.begin(), data.end(),
                         [](const llama_token_data & a, const llama_token_data & b) { return a.logit < b.logit; });
    if (best->logit == -std::numeric_limits<float>::infinity()) {
        return std::nullopt;
    }
    if (temperature_ > 0 && std::isfinite(best->logit / temperature_)) {
        llama_sampler_apply(chain_.get(), &array);
        assert(array.selected >= 0 && static_cast<std::size_t>(array.selected) < array.size);
        return array.data[array.selected].id;
    }
    return best->id;
}

}  // namespace snapkv::run

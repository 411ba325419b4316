#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "attention/port.h"
#include "gguf/file.h"
#include "model/family.h"
#include "model/rope.h"
#include "snapkv/model.h"

namespace snapkv::model {

/// No context is longer.
inline constexpr std::uint32_t kMostContext = 1U << 30U;

/// A mixture of experts in place of the feed-forward network: of `count` networks the router chooses `used` a token.
struct Experts {
    enum class Gating {
        ChosenOfSoftmax,  ///< softmax over all, then the greatest, made to sum to 1
        SoftmaxOfChosen,  ///< the greatest logits, then softmax over these
    };
    enum class Form {
        Swiglu,
        GptOss,  ///< biases; swiglu with 1.702 in its sigmoid, clamped at 7, and 1 added to the second factor
    };

    std::uint32_t count = 0;  ///< 0: none
    std::uint32_t used = 0;
    std::uint32_t feed_forward = 0;  ///< the inner size of one
    float scale = 1;                 ///< of the weights
    Gating gating = Gating::ChosenOfSoftmax;
    Form form = Form::Swiglu;
};

/// The numbers that shape a model, read from the file and checked against each other.
struct HyperParameters {
    std::string architecture;
    const Family * family = nullptr;
    std::uint32_t layers = 0;
    std::uint32_t width = 0;
    std::uint32_t feed_forward = 0;
    std::uint32_t heads = 0;
    std::uint32_t kv_heads = 0;
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
    std::uint32_t vocabulary = 0;
    std::uint32_t trained_context = 0;
    float norm_epsilon = 0;
    float attention_scale = 0;
    float attention_cap = 0;  ///< c > 0: logits of attention become c tanh(x / c)
    float logit_cap = 0;      ///< the same of the model's logits
    float logit_factor = 1;
    float embedding_factor = 1;
    float residual_factor = 1;         ///< of what attention and the feed-forward network add
    std::uint32_t sliding_window = 0;  ///< tokens that layers which slide see, the own one among them
    std::vector<bool> slides;          ///< of each layer; empty: none does
    std::vector<bool> rotates;         ///< of each layer; empty: all do
    Rope rope;
    Rope sliding_rope;  ///< of the layers that slide
    Experts experts;

    /// Sinks are not in it: they are weights.
    [[nodiscard]] attention::AttentionSpec attention_spec(std::uint32_t layer) const;
    /// Rows at most that the layer's queries look back at, the own one among them; 0: all there are.
    [[nodiscard]] std::uint32_t window_of(std::uint32_t layer) const {
        return !slides.empty() && slides[layer] ? sliding_window : 0;
    }
    /// Elements of a token's queries, keys, values and attention, all heads.
    [[nodiscard]] std::int64_t query_width() const { return std::int64_t{heads} * key_size; }
    [[nodiscard]] std::int64_t key_width() const { return std::int64_t{kv_heads} * key_size; }
    [[nodiscard]] std::int64_t value_width() const { return std::int64_t{kv_heads} * value_size; }
    [[nodiscard]] std::int64_t attended_width() const { return std::int64_t{heads} * value_size; }
    [[nodiscard]] bool layer_rotates(std::uint32_t layer) const { return rotates.empty() || rotates[layer]; }
    [[nodiscard]] const Rope & rope_of(std::uint32_t layer) const { return window_of(layer) > 0 ? sliding_rope : rope; }
};

/// Throws Error(Input) naming the key for what is missing, out of range or contradicts another key, and for an
/// architecture that is not supported, with the list of those that are.
HyperParameters read_hyper_parameters(const gguf::File & file, const RopeOptions & rope);

/// The keys of a mixture of experts, where the file has one, each as large inside as the feed-forward network. For
/// families' own readers.
void read_experts(const KeyReader & keys, HyperParameters & params);

/// The same, where a key says how large they are inside.
void read_sized_experts(const KeyReader & keys, HyperParameters & params);

/// The key of the window of layers that slide. How families have it differs: required, optional, with a default.
inline constexpr const char * kSlidingWindow = "attention.sliding_window";

/// A window, 0 for none, and which layers slide: those of the file's pattern, or of one with this period
/// (KeyReader::pattern). For families' own readers.
void read_sliding_layers(const KeyReader & keys, HyperParameters & params, std::uint32_t window, std::uint32_t period);

}  // namespace snapkv::model

#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "attention/spec.h"
#include "gguf/file.h"
#include "model/family.h"
#include "model/rope.h"
#include "snapkv/model.h"

namespace snapkv::model {

/// No context is longer.
inline constexpr std::uint32_t kMostContext = 1U << 30U;

// Far beyond any model: what keeps products of sizes within 64 bits and tables within reason.
inline constexpr std::uint32_t kMostLayers = 1024;
inline constexpr std::uint32_t kMostElements = 1U << 22U;
inline constexpr std::uint32_t kMostHeadSize = 1024;
inline constexpr std::uint32_t kMostExperts = 4096;

/// A mixture of experts in place of the feed-forward network: of `count` networks the router chooses `used` a token.
struct Experts {
    enum class Gating {
        ChosenOfSoftmax,  ///< softmax over all, then the greatest, made to sum to 1
        SoftmaxOfChosen,  ///< the greatest logits, then softmax over these
        ChosenOfSigmoid,  ///< each logit's sigmoid, then the greatest
    };
    enum class Form {
        Swiglu,
        GptOss,  ///< biases; swiglu with 1.702 in its sigmoid, clamped at 7, and 1 added to the second factor
    };

    std::uint32_t count = 0;  ///< 0: none
    std::uint32_t used = 0;
    std::uint32_t feed_forward = 0;         ///< the inner size of one
    float scale = 1;                        ///< of the weights
    bool sum_to_one = true;                 ///< the weights of the chosen, where they were chosen among others
    std::uint32_t first_layer = 0;          ///< layers before it have one network for all tokens
    std::uint32_t shared_feed_forward = 0;  ///< the inner size of a network for all tokens beside them; 0: none
    bool shared_gate = false;               ///< whose result each token weighs
    Gating gating = Gating::ChosenOfSoftmax;
    Form form = Form::Swiglu;
};

/// Latent attention (DeepSeek-V2): keys and values of all heads come from one short row a token, and a key's last
/// elements, which alone know its position, serve all heads.
struct Latent {
    std::uint32_t rank = 0;        ///< elements of that row; 0: the model has ordinary attention
    std::uint32_t query_rank = 0;  ///< of a row that queries come from likewise; 0: none
    std::uint32_t key_size = 0;    ///< elements of one head, positions among them
    std::uint32_t value_size = 0;  ///< elements of one head
    /// The cache holds the row itself, as one KV head whose values are its keys' beginning, and what would expand it is
    /// part of queries and outputs. Else each head has keys and values of its own.
    bool absorbed = false;
};

/// Layers of a gated delta rule in place of attention (Qwen3-Next): they keep a state of fixed size.
struct Recurrence {
    std::uint32_t kernel = 0;  ///< tokens that a convolution in front sees, the own one among them; 0: there are none
    std::uint32_t key_heads = 0;
    std::uint32_t value_heads = 0;
    std::uint32_t size = 0;    ///< elements of a head's queries, keys and values
    bool interleaved = false;  ///< value heads that share a key head are neighbours, and rates of a token one matrix's

    [[nodiscard]] std::int64_t key_width() const { return std::int64_t{key_heads} * size; }
    [[nodiscard]] std::int64_t value_width() const { return std::int64_t{value_heads} * size; }
    /// Queries, keys and values side by side.
    [[nodiscard]] std::int64_t channels() const { return 2 * key_width() + value_width(); }
    /// Floats of one layer's state: what the convolution looks back at, and a matrix for each value head.
    [[nodiscard]] std::size_t state_floats() const {
        return kernel == 0 ? 0 : static_cast<std::size_t>((kernel - 1) * channels() + value_width() * size);
    }
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
    std::vector<bool> recurs;          ///< of each layer, in place of attention; empty: none does
    std::uint32_t unused_layers = 0;   ///< behind the others in the file: they guess tokens ahead
    Rope rope;
    Rope sliding_rope;  ///< of the layers that slide
    Experts experts;
    Latent latent;
    Recurrence recurrence;

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
    [[nodiscard]] bool layer_recurs(std::uint32_t layer) const { return !recurs.empty() && recurs[layer]; }
    [[nodiscard]] bool layer_has_experts(std::uint32_t layer) const {
        return experts.count > 0 && layer >= experts.first_layer;
    }
    /// Layers that attend, and so have keys and values.
    [[nodiscard]] std::uint32_t attending_layers() const {
        return layers - static_cast<std::uint32_t>(std::count(recurs.begin(), recurs.end(), true));
    }
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

/// The same beside a network for all tokens whose result each token weighs (Qwen). For families' own readers.
void read_experts_beside_gated(const KeyReader & keys, HyperParameters & params);

/// Takes the layers that guess tokens ahead, which nothing here does, from the count. For families' own readers, before
/// what they read by layer.
void read_unused_layers(const KeyReader & keys, HyperParameters & params);

/// The key of the window of layers that slide. How families have it differs: required, optional, with a default.
inline constexpr const char * kSlidingWindow = "attention.sliding_window";

/// A window, 0 for none, and which layers slide: those of the file's pattern, or of one with this period
/// (KeyReader::pattern). For families' own readers.
void read_sliding_layers(const KeyReader & keys, HyperParameters & params, std::uint32_t window, std::uint32_t period);

/// Layers that slide turn with the base that a key names for them, else with the file's own, and with its own scale:
/// the options change other layers alone, as in libllama. For families' own readers.
void read_sliding_rope(const KeyReader & keys, HyperParameters & params);

}  // namespace snapkv::model

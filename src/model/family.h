#pragma once

#include <span>
#include <string_view>

#include "model/key_reader.h"
#include "product/linear.h"

namespace snapkv::model {

struct HyperParameters;

/// Which two elements of a head turn together: neighbours, or one of the first half and one of the second.
enum class RopeLayout { Neighbours, Halves };

/// What sets the decoders of one GGUF architecture apart from the others; what all have in common is in decoder.h. One
/// file a family in arch/ gives one of these.
struct Family {
    std::string_view name;  ///< general.architecture
    RopeLayout rope = RopeLayout::Neighbours;
    product::Norm::Kind norm = product::Norm::Kind::Rms;
    product::Activation activation = product::Activation::Silu;
    bool parallel = false;    ///< the feed-forward network reads what attention reads, not its result
    bool post_norms = false;  ///< what attention and the network add to the hidden state is normed
    bool fused_gate = false;  ///< gate and up are one matrix, called ffn_up
    /// Queries and keys of each head are normed before they are rotated.
    enum class HeadNorms { None, Required, WhereGiven } head_norms = HeadNorms::None;
    const char * network_norm = "ffn_norm";  ///< what the norm before the network is called
    bool sinks = false;                      ///< attention has a logit a head beside the rows'
    bool gated_attention = false;  ///< attn_q has a gate behind each head's query, for what attention comes to
    bool own_output = true;        ///< may have output.weight; else the embedding serves as the output matrix
    /// Reads the keys that only this family has, and sets what follows from them. Null: none.
    void (*read)(const KeyReader & keys, HyperParameters & params) = nullptr;
};

/// All that there are.
[[nodiscard]] std::span<const Family * const> families();

/// Null: not supported.
[[nodiscard]] const Family * find_family(std::string_view name);

}  // namespace snapkv::model

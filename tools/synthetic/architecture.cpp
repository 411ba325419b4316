#include "synthetic/architecture.h"

namespace snapkv::synthetic {
namespace {

constexpr std::string_view rms_epsilon = "attention.layer_norm_rms_epsilon";
constexpr std::string_view layer_norm_epsilon = "attention.layer_norm_epsilon";

constexpr std::array attention{LayerTensor{.name = "attn_norm", .columns = Size::Width},
                               LayerTensor{.name = "attn_q", .columns = Size::Width, .rows = Size::Queries},
                               LayerTensor{.name = "attn_k", .columns = Size::Width, .rows = Size::Keys},
                               LayerTensor{.name = "attn_v", .columns = Size::Width, .rows = Size::Keys},
                               LayerTensor{.name = "attn_output", .columns = Size::Queries, .rows = Size::Width}};

constexpr std::array head_norms{LayerTensor{.name = "attn_q_norm", .columns = Size::Head},
                                LayerTensor{.name = "attn_k_norm", .columns = Size::Head}};

constexpr std::array network_norm{LayerTensor{.name = "ffn_norm", .columns = Size::Width}};

constexpr std::array network{LayerTensor{.name = "ffn_gate", .columns = Size::Width, .rows = Size::FeedForward},
                             LayerTensor{.name = "ffn_up", .columns = Size::Width, .rows = Size::FeedForward},
                             LayerTensor{.name = "ffn_down", .columns = Size::FeedForward, .rows = Size::Width}};

// What chooses the experts stays as it is in every quantised file.
constexpr std::array experts{
    LayerTensor{.name = "ffn_gate_inp", .columns = Size::Width, .rows = Size::Experts, .float32 = true},
    LayerTensor{.name = "ffn_gate_exps", .columns = Size::Width, .rows = Size::FeedForward, .matrices = Size::Experts},
    LayerTensor{.name = "ffn_up_exps", .columns = Size::Width, .rows = Size::FeedForward, .matrices = Size::Experts},
    LayerTensor{.name = "ffn_down_exps", .columns = Size::FeedForward, .rows = Size::Width, .matrices = Size::Experts}};

}  // namespace

constexpr Architecture kLlama{
    .name = "llama", .norm_epsilon = rms_epsilon, .layer = {attention, network_norm, network}};

constexpr Architecture kLlamaOfExperts{
    .name = "llama", .norm_epsilon = rms_epsilon, .layer = {attention, network_norm, experts}};

/// Attention and network side by side, behind one norm. libllama takes 64 layers for Command-R Plus, which norms heads.
constexpr Architecture kCommandR{
    .name = "command-r", .norm_epsilon = layer_norm_epsilon, .layer = {attention, network}, .most_layers = 63};

constexpr Architecture kQwen3{
    .name = "qwen3", .norm_epsilon = rms_epsilon, .layer = {attention, head_norms, network_norm, network}};

}  // namespace snapkv::synthetic

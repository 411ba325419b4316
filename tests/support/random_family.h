#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace snapkv::test {

/// A small model of any family: which keys and tensors its file has.
struct FamilyShape {
    std::string architecture;
    std::uint32_t width = 128;
    std::uint32_t heads = 4;
    std::uint32_t kv_heads = 2;
    std::uint32_t head_size = 32;
    std::uint32_t layers = 4;
    std::uint32_t feed_forward = 192;
    std::uint32_t vocabulary = 320;  ///< less than 259: letters only, at most 27
    std::uint32_t context = 1024;
    std::vector<std::pair<std::string, float>> reals{};  ///< keys behind the architecture's name
    std::vector<std::pair<std::string, std::uint32_t>> numbers{};
    std::vector<std::pair<std::string, bool>> flags{};
    std::vector<std::pair<std::string, std::string>> words{};
    std::optional<std::vector<bool>> sliding_pattern{};  ///< as a list
    bool layer_norm = false;                             ///< the key of LayerNorm's epsilon, not of RMS norm's
    bool fused_qkv = false;
    bool fused_gate = false;
    bool biases = false;       ///< of queries, keys and values
    bool output_bias = false;  ///< of attention's output
    enum class HeadNorms { None, Shared, EachHead } head_norms = HeadNorms::None;
    bool post_norms = false;
    std::string network_norm = "ffn_norm";  ///< empty: none
    bool tied = false;
    std::uint32_t experts = 0;
    std::uint32_t experts_used = 0;
    std::uint32_t expert_feed_forward = 64;
    bool expert_biases = false;
    bool sinks = false;
    bool long_factors = false;
    std::uint32_t dense_layers = 0;         ///< before the first with experts
    std::uint32_t shared_feed_forward = 0;  ///< of a network beside the experts
    bool shared_gate = false;
    bool only_experts = false;  ///< the file names no size of another network
    bool choice_bias = false;   ///< of experts
    bool gated_attention = false;
    /// Latent attention: keys of a head have `plain` elements and `rotated` ones behind them.
    struct Latent {
        std::uint32_t rank = 0;
        std::uint32_t query_rank = 0;
        std::uint32_t plain = 0;
        std::uint32_t rotated = 0;
        std::uint32_t values = 0;
        bool absorbed = false;
    };
    std::optional<Latent> latent{};
    /// Every layer but each `interval`-th recurs.
    struct Recurrence {
        std::uint32_t interval = 4;
        std::uint32_t kernel = 4;
        std::uint32_t size = 32;
        std::uint32_t key_heads = 2;
        std::uint32_t value_heads = 4;
        bool joined_rates = false;
    };
    std::optional<Recurrence> recurrence{};
    std::optional<std::vector<std::int32_t>> rope_sections{};
    std::uint32_t value_size = 0;  ///< of a cached row, where it is not head_size

    [[nodiscard]] bool recurs(std::uint32_t layer) const {
        return recurrence && (layer + 1) % recurrence->interval != 0;
    }
    /// May change a tensor's shape before it is made; false leaves the tensor out. Null: all stay as they are.
    std::function<bool(const std::string & name, std::vector<std::int64_t> & shape)> spoil{};
};

/// Writes the model with random float32 weights; the same shape and seed give the same file.
void write_random_family(const FamilyShape & shape, const std::filesystem::path & path, std::uint32_t seed = 1);

}  // namespace snapkv::test

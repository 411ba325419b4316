#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gguf.h"
#include "parity/temporary_path.h"
#include "snapkv/model.h"

namespace snapkv::test {

/// The RoPE keys and the tensor of frequency factors that a file may hold.
struct RopeKeys {
    std::optional<std::string> type{};
    std::optional<float> factor{};
    std::optional<float> scale_linear{};  ///< the older key
    std::optional<float> freq_base{};
    std::optional<std::uint32_t> original_context{};
    std::optional<float> attention_factor{};
    bool llama3_factors = false;
};

/// A llama model's shape with random float32 weights.
struct RandomShape {
    std::uint32_t width = 128;
    std::uint32_t heads = 4;
    std::uint32_t kv_heads = 2;
    std::uint32_t head_size = 32;
    std::uint32_t layers = 2;
    std::uint32_t feed_forward = 256;
    std::uint32_t vocabulary = 320;  ///< at least 259: three control tokens, then the bytes
    std::uint32_t context = 512;
    bool tied = false;
    bool biases = false;
    RopeKeys rope{};
};

/// Writes the model: the same shape and seed give the same file. The weights are scaled so that attention is far from
/// even and every part of a layer weighs in the logits: a wrong rotation or a missing bias cannot hide.
TemporaryPath random_model(const RandomShape & shape, std::uint32_t seed = 1);

/// Tokens for such a model, none of them control tokens.
std::vector<Token> random_tokens(const RandomShape & shape, std::size_t count, std::uint32_t seed = 2);

}  // namespace snapkv::test

#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "snapkv/tools/random_model.h"
#include "synthetic/architecture.h"

namespace snapkv::synthetic {

inline constexpr float kNormEpsilon = 1e-5F;

/// A key behind the architecture's name.
struct RealKey {
    std::string_view name;
    float value;
};

/// The sizes of a model.
struct Shape {
    std::string_view name;
    const Architecture * architecture = &kLlama;
    std::uint32_t layers;
    std::uint32_t width;
    std::uint32_t heads;
    std::uint32_t kv_heads;
    std::uint32_t feed_forward;
    std::uint32_t vocabulary;
    std::uint32_t context;
    float rope_base;
    float norm_epsilon = kNormEpsilon;
    bool tied = false;                ///< the embeddings serve as output
    std::uint32_t own_head_size = 0;  ///< where it is not width / heads, or the file is to name it
    std::uint32_t experts = 0;
    std::uint32_t experts_used = 0;
    std::span<const RealKey> reals = {};  ///< keys that not every architecture has

    [[nodiscard]] std::uint32_t head_size() const { return own_head_size != 0 ? own_head_size : width / heads; }
};

/// The shape that the options name, with their number of layers. Throws Error(Usage).
[[nodiscard]] Shape find_shape(const RandomModelOptions & options);

}  // namespace snapkv::synthetic

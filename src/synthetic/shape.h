#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "snapkv/random_model.h"

namespace snapkv::synthetic {

inline constexpr float kNormEpsilon = 1e-5F;  ///< of all norms

/// The sizes of a model of the llama architecture.
struct Shape {
    std::string_view name;
    std::uint32_t layers;
    std::uint32_t width;
    std::uint32_t heads;
    std::uint32_t kv_heads;
    std::uint32_t feed_forward;
    std::uint32_t vocabulary;
    std::uint32_t context;
    float rope_base;
    bool tied = false;                ///< the embeddings serve as output
    std::uint32_t own_head_size = 0;  ///< where it is not width / heads

    [[nodiscard]] std::uint32_t head_size() const { return own_head_size != 0 ? own_head_size : width / heads; }
};

/// The shape that the options name, with their number of layers. Throws Error(Usage).
[[nodiscard]] Shape find_shape(const RandomModelOptions & options);

/// One tensor of the file; `columns` is the length of a row, `rows` is 1 for a vector.
struct TensorPlan {
    std::string name;
    std::uint32_t columns = 0;
    std::uint32_t rows = 1;
    float deviation = 0;  ///< of its values; 0: all are 1
};

/// Every tensor of the model in the order of the file.
[[nodiscard]] std::vector<TensorPlan> plan_tensors(const Shape & shape);

}  // namespace snapkv::synthetic

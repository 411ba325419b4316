#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "synthetic/shape.h"

namespace snapkv::synthetic {

/// One tensor of the file; `columns` is the length of a row, `rows` is 1 for a vector.
struct TensorPlan {
    std::string name;
    std::uint32_t columns = 0;
    std::uint32_t rows = 1;
    std::uint32_t matrices = 1;
    float deviation = 0;   ///< of its values; 0: all are 1
    bool float32 = false;  ///< whatever type is asked for
};

/// Every tensor of the model in the order of the file.
[[nodiscard]] std::vector<TensorPlan> plan_tensors(const Shape & shape);

}  // namespace snapkv::synthetic

#pragma once

#include <cstdint>

namespace snapkv {

/// The outcome of writing a model file.
struct WrittenModel {
    std::uint64_t bytes = 0;       ///< of the file
    std::uint64_t parameters = 0;  ///< elements of all tensors
    bool interrupted = false;      ///< if so, there is no file
};

}  // namespace snapkv

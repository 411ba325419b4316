#pragma once

#include <cstdint>

namespace snapkv {

/// What became of a model file that was to be written.
struct WrittenModel {
    std::uint64_t bytes = 0;       ///< of the file
    std::uint64_t parameters = 0;  ///< elements of all tensors
    bool interrupted = false;      ///< then there is no file
};

}  // namespace snapkv

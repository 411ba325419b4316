#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace snapkv::test {

/// One key of a file and its value.
struct KeyPiece {
    std::string key;
    std::uint32_t type = 0;  ///< of the value or of the array's elements
    bool is_array = false;
    std::vector<std::string> elements;  ///< a string's text, a number's bytes
};

struct TensorPiece {
    std::string name;
    std::vector<std::int64_t> shape;
    std::uint32_t type = 0;
    std::string data;
};

/// A GGUF file taken apart, to be changed and put together again with true lengths, counts and offsets.
struct Pieces {
    std::vector<KeyPiece> keys;  ///< in the order of their names: a run must be repeatable
    std::vector<TensorPiece> tensors;
    std::uint64_t alignment = 0;

    /// Throws snapkv::Error where the file is not to be taken apart.
    static Pieces of(std::string_view file);
    [[nodiscard]] std::string file() const;
};

}  // namespace snapkv::test

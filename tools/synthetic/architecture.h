#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace snapkv::synthetic {

/// The sizes that a Shape gives, by name.
enum class Size { One, Width, Queries, Keys, Head, FeedForward, Experts };

/// A tensor that every layer has.
struct LayerTensor {
    std::string_view name;  ///< what stands between "blk.N." and ".weight"
    Size columns;           ///< the length of a row
    Size rows = Size::One;  ///< One: a norm
    Size matrices = Size::One;
    bool float32 = false;  ///< whatever the type of the other matrices
};

/// What the files of one family of models hold beside what all of them do.
struct Architecture {
    std::string_view name;                              ///< general.architecture
    std::string_view norm_epsilon;                      ///< the key behind that name
    std::array<std::span<const LayerTensor>, 4> layer;  ///< in the order of the file; parts may be empty
    std::uint32_t most_layers = 1024;                   ///< what the reader takes
};

extern const Architecture kLlama;
extern const Architecture kLlamaOfExperts;
extern const Architecture kCommandR;
extern const Architecture kQwen3;

}  // namespace snapkv::synthetic

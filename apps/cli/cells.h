#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "snapkv/sequence.h"

namespace snapkv::cli {

/// A piece of the prompt as it is shown: one token, or several that only together are whole characters. Such a piece
/// has one colour, that of the token which most heads kept.
struct Cell {
    std::string text;        ///< valid UTF-8
    std::uint32_t kept = 0;  ///< (layer, KV head) pairs that kept it, of all tokens in the cell the most
    bool window = false;     ///< in the observation window, with one of its tokens at least
};

/// The prompt as cells, and what their numbers are measured by.
struct ShownPrompt {
    std::vector<Cell> cells;
    std::uint32_t pairs = 0;  ///< layers times KV heads
};

/// Of each prompt position, how many (layer, KV head) pairs kept it.
[[nodiscard]] std::vector<std::uint32_t> keep_counts(const KeptPositions & kept, std::size_t positions);

/// `pieces`: the bytes of each token; `counts`: how many pairs kept it; the last `window` tokens voted. Tokens of no
/// bytes are left out.
[[nodiscard]] std::vector<Cell> make_cells(const std::vector<std::string> & pieces,
                                           const std::vector<std::uint32_t> & counts, std::size_t window);

/// How dark a cell is: 0 for kept by none, then 1 to `levels` in equal shares of `pairs`.
[[nodiscard]] unsigned shade(std::uint32_t kept, std::uint32_t pairs, unsigned levels);

}  // namespace snapkv::cli

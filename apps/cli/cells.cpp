#include "cells.h"

#include <algorithm>

#include "eval/utf8_text.h"

namespace snapkv::cli {
namespace {

/// Whether the bytes end within a character that further bytes could complete.
bool ends_within_character(std::string_view bytes) {
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes.size()); ++back) {
        const char byte = bytes[bytes.size() - back];
        if (!eval::is_continuation(byte)) {
            return eval::character_size(byte) > back;
        }
    }
    return false;
}

}  // namespace

std::vector<std::uint32_t> keep_counts(const KeptPositions & kept, std::size_t positions) {
    std::vector<std::uint32_t> counts(positions, 0);
    for (const auto & layer : kept) {
        for (const auto & head : layer) {
            for (const Position position : head) {
                if (index_of(position) < positions) {
                    ++counts[index_of(position)];
                }
            }
        }
    }
    return counts;
}

std::vector<Cell> make_cells(const std::vector<std::string> & pieces, const std::vector<std::uint32_t> & counts,
                             std::size_t window) {
    std::vector<Cell> cells;
    Cell open;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        open.text += pieces[i];
        open.kept = std::max(open.kept, counts[i]);
        open.window = open.window || i + window >= pieces.size();
        if (open.text.empty()) {
            open = {};
        } else if (!ends_within_character(open.text)) {
            cells.push_back(std::move(open));
            open = {};
        }
    }
    if (!open.text.empty()) {
        cells.push_back(std::move(open));
    }
    for (Cell & cell : cells) {
        cell.text = eval::valid_utf8(cell.text);
    }
    return cells;
}

unsigned shade(std::uint32_t kept, std::uint32_t pairs, unsigned levels) {
    if (kept == 0 || pairs == 0) {
        return 0;
    }
    const std::uint64_t scaled = std::uint64_t{kept} * levels;
    return static_cast<unsigned>(std::min<std::uint64_t>((scaled + pairs - 1) / pairs, levels));
}

}  // namespace snapkv::cli

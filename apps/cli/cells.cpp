#include "cells.h"

#include <algorithm>

namespace snapkv::cli {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool is_continuation(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// Bytes of the character that begins with `first`; 0 for a byte that begins none.
std::size_t character_size(char first) {
    const auto byte = static_cast<unsigned char>(first);
    if (byte < 0x80) {
        return 1;
    }
    if (byte >= 0xC2 && byte < 0xE0) {
        return 2;
    }
    if (byte >= 0xE0 && byte < 0xF0) {
        return 3;
    }
    return byte >= 0xF0 && byte < 0xF5 ? 4 : 0;
}

/// Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
bool second_byte_fits(char first, char second) {
    const auto a = static_cast<unsigned char>(first);
    const auto b = static_cast<unsigned char>(second);
    return !(a == 0xE0 && b < 0xA0) && !(a == 0xED && b > 0x9F) && !(a == 0xF0 && b < 0x90) && !(a == 0xF4 && b > 0x8F);
}

/// The size of the whole, valid character at the beginning of `bytes`; 0 where there is none.
std::size_t valid_character(std::string_view bytes) {
    const std::size_t size = character_size(bytes.front());
    if (size == 0 || size > bytes.size()) {
        return 0;
    }
    for (std::size_t i = 1; i < size; ++i) {
        if (!is_continuation(bytes[i])) {
            return 0;
        }
    }
    return size == 1 || second_byte_fits(bytes[0], bytes[1]) ? size : 0;
}

/// Whether the bytes end within a character that further bytes could complete.
bool ends_within_character(std::string_view bytes) {
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, bytes.size()); ++back) {
        const char byte = bytes[bytes.size() - back];
        if (!is_continuation(byte)) {
            return character_size(byte) > back;
        }
    }
    return false;
}

}  // namespace

std::vector<std::uint32_t> keep_counts(const KeptPositions & kept, std::size_t positions) {
    std::vector<std::uint32_t> counts(positions, 0);
    for (const auto & layer : kept) {
        for (const auto & head : layer) {
            for (const std::uint32_t position : head) {
                if (position < positions) {
                    ++counts[position];
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
        const bool in_window = i + window >= pieces.size();
        if (!open.text.empty() && open.window != in_window) {
            cells.push_back(std::move(open));
            open = {};
        }
        open.text += pieces[i];
        open.kept = std::max(open.kept, counts[i]);
        open.window = in_window;
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
        cell.text = valid_utf8(cell.text);
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

std::string valid_utf8(std::string_view bytes) {
    std::string text;
    while (!bytes.empty()) {
        const std::size_t size = valid_character(bytes);
        text += size > 0 ? bytes.substr(0, size) : replacement;
        bytes.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return text;
}

}  // namespace snapkv::cli

#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "synthetic/shift_frequencies.h"
#include "synthetic/token_codes.h"

namespace snapkv::synthetic {

/// Where a constructed retrieval model keeps what, for positions that know their last `suffix` tokens, 2 or more.
///
/// Hidden state: `suffix` slots of one code each, slot j for the token j positions back; then the code that is copied
/// from the place found; then a constant 1; the rest is zero. Head: the rotating pairs, whose two elements are
/// neighbours; then suffix - 1 codes.
struct RetrievalLayout {
    std::uint32_t suffix = 0;

    // Of the hidden state.
    [[nodiscard]] std::uint32_t slot(std::uint32_t back) const { return back * kCodeSize; }
    [[nodiscard]] std::uint32_t copied() const { return slot(suffix); }
    [[nodiscard]] std::uint32_t constant() const { return copied() + kCodeSize; }
    [[nodiscard]] std::uint32_t width() const { return copied() + 2 * kCodeSize; }

    // Of the head.
    [[nodiscard]] static std::uint32_t pair(std::uint32_t index) { return 2 * index; }
    [[nodiscard]] static std::uint32_t code(std::uint32_t index) { return 2 * kShiftPairs + index * kCodeSize; }
    [[nodiscard]] std::uint32_t head_size() const { return code(suffix - 1); }

    // Layer l < shift_layers() looks 2^l positions back and fills as many slots, or those that are left; one more
    // layer copies.
    [[nodiscard]] std::uint32_t shift_layers() const { return static_cast<std::uint32_t>(std::bit_width(suffix - 1)); }
    [[nodiscard]] std::uint32_t layers() const { return shift_layers() + 1; }
    [[nodiscard]] static std::uint32_t shift(std::uint32_t layer) { return 1U << layer; }
    /// Slots that hold something before layer `layer`.
    [[nodiscard]] std::uint32_t filled(std::uint32_t layer) const { return std::min(1U << layer, suffix); }
};

}  // namespace snapkv::synthetic

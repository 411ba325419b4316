#pragma once

#include <cstdint>
#include <span>

#include "eval/journal.h"
#include "eval/missed_attention.h"
#include "eval/pictured_report.h"

namespace snapkv::eval {

/// {"key", "layer", "missed": [query head], "shares": [query head][bin], "rows": [query head][bin]}, where shares are
/// of all attention and "missed" is their sum.
[[nodiscard]] Json missed_record(const MissedAttention & study, std::uint32_t layer, std::uint32_t heads);
/// By layer, by layer and head, and by distance from what is kept.
[[nodiscard]] PicturedReport missed_report(std::span<const Json> records);

}  // namespace snapkv::eval

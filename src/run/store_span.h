#pragma once

#include <cstdint>

#include "attention/unit.h"
#include "kv/layer_rows.h"

namespace snapkv::run {

/// Keys and values of chunk rows [row, row + count) go to `rows`, which are dense, from row `to` on.
[[nodiscard]] inline attention::StoreSpan store_span(std::uint32_t row, std::uint32_t count, kv::LayerRows & rows,
                                                     std::uint32_t to) {
    const bool several = rows.shape().kv_heads > 1;
    return {.row = row,
            .count = count,
            .keys = rows.key_row(0, to),
            .values = rows.value_row(0, to),
            .key_head_stride = several ? static_cast<std::size_t>(rows.key_row(1, to) - rows.key_row(0, to)) : 0,
            .value_head_stride = several ? static_cast<std::size_t>(rows.value_row(1, to) - rows.value_row(0, to)) : 0};
}

}  // namespace snapkv::run

#pragma once

#include <algorithm>
#include <cstdint>

#include "attention/unit.h"

namespace snapkv::attention::cpu {

/// One of the views of a span as they would be if a path of its tree lay behind the sequence's rows: that many rows of
/// a path would follow in it. So work is cut for a tree as for the chains in it.
struct ChainView {
    kv::HeadRows rows;            ///< the sequence's own
    std::uint32_t path_from = 0;  ///< the first row of a path that lies in this view
    std::uint32_t path_rows = 0;  ///< of the longest path

    [[nodiscard]] std::uint32_t total() const { return rows.rows + path_rows; }
};

/// The rows of a tree's longest path that follow in the span's last view.
[[nodiscard]] inline std::uint32_t rows_in_last_view(const QuerySpan & span) {
    return span.tree ? std::min(span.tree->room, span.tree->tree->levels()) : 0;
}

[[nodiscard]] inline std::uint32_t chain_views(const QuerySpan & span, std::uint32_t kv_head) {
    const bool another = span.tree && span.tree->tree->levels() > rows_in_last_view(span);
    return static_cast<std::uint32_t>(span.rows[kv_head].size()) + (another ? 1 : 0);
}

[[nodiscard]] inline ChainView chain_view(const QuerySpan & span, std::uint32_t kv_head, std::uint32_t index) {
    const auto & views = span.rows[kv_head];
    const std::uint32_t followed = rows_in_last_view(span);
    if (index == views.size()) {
        return {{.first = span.first + followed}, followed, span.tree->tree->levels() - followed};
    }
    return {views[index], 0, index + 1 == views.size() ? followed : 0};
}

}  // namespace snapkv::attention::cpu

#include "attention/portable/plan.h"

#include <algorithm>

namespace snapkv::attention::portable {

namespace {

constexpr std::uint64_t kMaskElement = 2;  // bytes

}  // namespace

Piece visible(const AttentionSpec & spec, const kv::HeadRows & view, Position position) {
    const std::uint32_t index = index_of(position);
    const bool cut = spec.sliding_window > 0 && index >= spec.sliding_window;
    const std::uint32_t begin = cut ? view.count_up_to(Position{index - spec.sliding_window}) : 0;
    return {view, begin, view.count_up_to(position)};
}

HeadBlock head_block(const AttentionSpec & spec, const QueryBlock & queries, const std::vector<kv::HeadRows> & views) {
    HeadBlock block{.queries = queries};
    for (const kv::HeadRows & view : views) {
        const std::uint32_t begin = visible(spec, view, queries.first).begin;
        const std::uint32_t end = visible(spec, view, queries.first + (queries.count - 1)).end;
        if (begin < end) {
            block.pieces.push_back({view, begin, end});
            block.rows += end - begin;
        }
    }
    return block;
}

bool same_rows(const HeadBlock & a, const HeadBlock & b) {
    return std::equal(a.pieces.begin(), a.pieces.end(), b.pieces.begin(), b.pieces.end(),
                      [](const Piece & x, const Piece & y) {
                          return x.begin == y.begin && x.end == y.end && x.view.positions == y.view.positions &&
                                 (x.view.positions != nullptr || x.view.first == y.view.first);
                      });
}

Cut cut_span(const AttentionSpec & spec, const Limits & limits, std::uint32_t queries, std::uint32_t cache_rows) {
    const std::uint64_t rows = std::max(cache_rows, 1U);
    const std::uint64_t flops = 2 * (std::uint64_t{spec.key_size} + spec.value_size) * rows;  // of one query and head
    const std::uint64_t most = std::max<std::uint64_t>(limits.flops / flops, 1);
    const std::uint64_t together = spec.alibi_slopes.empty() ? spec.group() : 1;  // a slope is a node's
    const std::uint64_t heads = std::clamp<std::uint64_t>(most / std::min(queries, kTileQueries), 1, together);
    const std::uint64_t by_mask = std::max<std::uint64_t>(limits.mask_bytes / (kMaskElement * rows), 1);
    const std::uint64_t count = std::min({std::uint64_t{queries}, most / heads, by_mask});
    return {static_cast<std::uint32_t>(count), static_cast<std::uint32_t>(heads)};
}

SpanPlan plan_span(const AttentionSpec & spec, const Limits & limits, const QuerySpan & span) {
    SpanPlan plan;
    if (span.count == 0) {
        return plan;
    }
    std::uint32_t cache_rows = 0;
    for (const auto & views : span.rows) {
        cache_rows = std::max(cache_rows, head_block(spec, {span.row, span.count, span.first}, views).rows);
    }
    plan.cut = cut_span(spec, limits, span.count, cache_rows);
    for (std::uint32_t begin = 0; begin < span.count; begin += plan.cut.rows) {
        const QueryBlock queries{span.row + begin, std::min(plan.cut.rows, span.count - begin), span.first + begin};
        std::vector<HeadBlock> & heads = plan.blocks.emplace_back();
        for (std::uint32_t head = 0; head < spec.kv_heads; ++head) {
            heads.push_back(head_block(spec, queries, span.rows[head]));
        }
    }
    return plan;
}

}  // namespace snapkv::attention::portable

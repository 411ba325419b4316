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

std::optional<std::uint32_t> distance_in_tree(const AttentionSpec & spec, const QueryBlock & queries,
                                              std::uint32_t query, std::uint32_t token) {
    const std::uint32_t own = queries.token + query;
    if (!queries.tree->sees(own, token)) {
        return std::nullopt;
    }
    const std::uint32_t distance = queries.tree->depth(own) - queries.tree->depth(token);
    return spec.sliding_window > 0 && distance >= spec.sliding_window ? std::nullopt : std::optional(distance);
}

HeadBlock head_block(const AttentionSpec & spec, const QuerySpan & span, std::uint32_t begin, std::uint32_t count,
                     std::uint32_t kv_head) {
    HeadBlock block{.queries = {.row = span.row + begin, .count = count, .first = span.first + begin}};
    if (span.tree) {
        block.queries = {span.row + begin, count, span.first, span.tree->tree, begin};
    }
    Position first = block.queries.position(0);
    Position last = first;
    for (std::uint32_t query = 1; query < count; ++query) {
        first = std::min(first, block.queries.position(query));
        last = std::max(last, block.queries.position(query));
    }
    const auto add = [&](const Piece & piece) {
        if (piece.rows() > 0) {
            block.pieces.push_back(piece);
            block.rows += piece.rows();
        }
    };
    for (const kv::HeadRows & view : span.rows[kv_head]) {
        const std::uint32_t end = visible(spec, view, last).end;
        add({view, std::min(visible(spec, view, first).begin, end), end});
    }
    if (span.tree) {
        add({span.tree->rows[kv_head], 0, span.tree->tree->size(), true});
    }
    return block;
}

bool same_rows(const HeadBlock & a, const HeadBlock & b) {
    return std::equal(a.pieces.begin(), a.pieces.end(), b.pieces.begin(), b.pieces.end(),
                      [](const Piece & x, const Piece & y) {
                          return x.begin == y.begin && x.end == y.end && x.of_tree == y.of_tree &&
                                 x.view.positions == y.view.positions &&
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
    for (std::uint32_t head = 0; head < span.rows.size(); ++head) {
        cache_rows = std::max(cache_rows, head_block(spec, span, 0, span.count, head).rows);
    }
    plan.cut = cut_span(spec, limits, span.count, cache_rows);
    for (std::uint32_t begin = 0; begin < span.count; begin += plan.cut.rows) {
        const std::uint32_t count = std::min(plan.cut.rows, span.count - begin);
        std::vector<HeadBlock> & heads = plan.blocks.emplace_back();
        for (std::uint32_t head = 0; head < spec.kv_heads; ++head) {
            heads.push_back(head_block(spec, span, begin, count, head));
        }
    }
    return plan;
}

}  // namespace snapkv::attention::portable

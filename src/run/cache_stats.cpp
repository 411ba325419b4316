#include "run/cache_stats.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "run/layer_shape.h"

namespace snapkv::run {

namespace {

/// Rows of each KV head of each layer that attends.
std::vector<std::uint32_t> head_rows(std::uint32_t layers,
                                     std::span<const std::shared_ptr<const kv::Segment>> segments) {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t layer = 0; layer < layers && !segments.empty(); ++layer) {
        for (std::uint32_t head = 0; head < segments.front()->layer(layer).shape().kv_heads; ++head) {
            rows.push_back(std::accumulate(
                segments.begin(), segments.end(), 0U,
                [&](std::uint32_t sum, const auto & segment) { return sum + segment->layer(layer).head(head).rows; }));
        }
    }
    return rows;
}

}  // namespace

CacheStats cache_stats(const BranchPlan & plan, const model::HyperParameters & params,
                       std::span<const std::shared_ptr<const kv::Segment>> segments) {
    const kv::LayerShape shape = attending_shape(params, plan.type);
    CacheStats stats;
    stats.config = plan.branch->cache;
    stats.config.type = plan.type;  // values that are part of keys have no type of their own
    stats.compressed = plan.cache.compress;
    stats.reason = plan.cache.reason;
    stats.budget = plan.cache.budget;
    stats.window = plan.cache.window;
    stats.recent = plan.cache.recent;
    stats.sink = plan.cache.sink;
    stats.evidence = plan.cache.evidence;
    stats.group = plan.cache.group;
    stats.cluster = plan.cache.cluster;
    stats.allocation = plan.cache.allocation;
    stats.evicts = plan.cache.evicts;
    stats.window_cuts_question = plan.cache.window_cuts_question;
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        stats.rows_full += std::uint64_t{shape.kv_heads} * rows_of_use(params, layer, plan.n);
    }
    std::vector<std::uint32_t> rows = head_rows(params.layers, segments);
    stats.rows_kept = std::accumulate(rows.begin(), rows.end(), std::uint64_t{0});
    if (!rows.empty()) {
        std::sort(rows.begin(), rows.end());
        stats.rows_per_head = {rows.front(), rows[rows.size() / 2], rows.back()};
    }
    stats.bytes_full = stats.rows_full * shape.row_bytes();
    stats.bytes_kept = stats.rows_kept * shape.row_bytes();
    return stats;
}

}  // namespace snapkv::run

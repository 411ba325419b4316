#include "run/cache_stats.h"

#include "run/layer_shape.h"

namespace snapkv::run {

CacheStats cache_stats(const BranchPlan & plan, const model::HyperParameters & params) {
    const kv::LayerShape shape = attending_shape(params, plan.type);
    CacheStats stats;
    stats.config = plan.branch->cache;
    stats.config.type = plan.type;  // values that are part of keys have no type of their own
    stats.compressed = plan.cache.compress;
    stats.reason = plan.cache.reason;
    stats.budget = plan.cache.budget;
    stats.window = plan.cache.window;
    stats.recent = plan.cache.recent;
    stats.evidence = plan.cache.evidence;
    stats.group = plan.cache.group;
    stats.cluster = plan.cache.cluster;
    stats.window_cuts_question = plan.cache.window_cuts_question;
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        stats.rows_full += std::uint64_t{shape.kv_heads} * rows_of_use(params, layer, plan.n);
    }
    stats.rows_kept = shape.kv_heads * kept_rows(plan, params);
    stats.bytes_full = stats.rows_full * shape.row_bytes();
    stats.bytes_kept = stats.rows_kept * shape.row_bytes();
    return stats;
}

}  // namespace snapkv::run

#include "run/begin_evicting.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "run/eviction.h"

namespace snapkv::run {

select::EvictionRule eviction_rule(const CacheStats & stats) {
    return {.evidence = stats.evidence,
            .group = stats.group,
            .window = select::eviction_window(stats.config),
            .recent = stats.recent,
            .sink = stats.sink};
}

void begin_evicting(Sequence::Impl & sequence, const model::HyperParameters & params, std::span<Block> carried) {
    const CacheStats & stats = sequence.stats;
    // What was left whole since little would have been dropped stays within its own length.
    const auto n = static_cast<std::uint32_t>(sequence.prompt_tokens);
    const std::uint32_t whole = std::max({stats.budget, n, stats.recent + stats.sink});
    Eviction::Holds holds(params.layers);
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        if (params.layer_recurs(layer) || params.window_of(layer) > 0) {
            continue;
        }
        for (const std::vector<kv::HeadRows> & views : sequence.rows.views(layer)) {
            holds[layer].push_back(stats.compressed ? kv::rows_in(views) : whole);
        }
    }
    Eviction eviction({params.heads, params.kv_heads, params.key_size}, eviction_rule(stats), std::move(holds));
    eviction.take_rows(*sequence.arena, sequence.rows, carried, n);
    sequence.rows.tail.bound(0);
    sequence.eviction = std::move(eviction);
}

}  // namespace snapkv::run

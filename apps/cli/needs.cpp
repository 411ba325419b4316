#include "needs.h"

#include <algorithm>

namespace snapkv::cli {

std::uint64_t rows_kept(const Budget & budget, std::uint64_t tokens) {
    if (budget.unit == Budget::Unit::Mass) {
        return std::min<std::uint64_t>(tokens, budget.most);
    }
    if (budget.unit == Budget::Unit::Rows) {
        return std::min(tokens, static_cast<std::uint64_t>(budget.value));
    }
    const std::uint64_t window = std::min<std::uint64_t>(tokens, 32);
    return window + static_cast<std::uint64_t>(budget.value / 100 * static_cast<double>(tokens - window));
}

Needs needs_of(const ModelInfo & model, std::uint64_t tokens, const CacheConfig & cache) {
    const KvTypes stored = model.values_in_keys ? KvTypes(cache.type.key) : cache.type;
    const std::uint64_t token_bytes = model.cache_bytes_per_token(stored);
    Needs needs;
    needs.hidden = tokens * model.width * sizeof(float);
    const auto worked_on = [](KvType type) { return is_quantised(type) ? KvType::F16 : type; };
    const KvTypes working(worked_on(stored.key), worked_on(stored.value));
    needs.layer = tokens * model.cache_bytes_per_token(working) / model.attending_layers;
    needs.layer_is_kept = working == stored;
    const std::uint64_t layer_bytes = token_bytes / model.attending_layers;
    needs.state = model.state_bytes;
    needs.kept_full = model.state_bytes;
    needs.kept_compressed = model.state_bytes;
    for (const LayerAttention & layer : model.attention) {
        if (layer.recurs) {
            continue;
        }
        // A layer that slides keeps its window, whatever the budget.
        const std::uint64_t of_use = layer.window > 0 ? std::min<std::uint64_t>(layer.window, tokens) : tokens;
        needs.kept_full += of_use * layer_bytes;
        needs.kept_compressed += (layer.window > 0 ? of_use : rows_kept(cache.budget, tokens)) * layer_bytes;
    }
    return needs;
}

}  // namespace snapkv::cli

#include "eval/variant.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace snapkv::eval {

namespace {

std::string_view word(Pooling pooling) {
    switch (pooling) {
        case Pooling::Max:
            return "max";
        case Pooling::Avg:
            return "avg";
        case Pooling::None:
            break;
    }
    return "none";
}

std::string_view word(GroupReduce group) {
    switch (group) {
        case GroupReduce::Max:
            return "max";
        case GroupReduce::Sum:
            return "sum";
        case GroupReduce::Mean:
            break;
    }
    return "mean";
}

std::string_view word(Evidence evidence) {
    switch (evidence) {
        case Evidence::Rms:
            return "rms";
        case Evidence::Top4:
            return "top4";
        case Evidence::Max:
            return "max";
        case Evidence::MaxFloor:
            return "max-floor";
        case Evidence::Mean:
            break;
    }
    return "mean";
}

std::string word(const std::optional<std::uint32_t> & rows) {
    return rows ? fmt::format("{}", *rows) : "auto";
}

std::uint32_t width(const Cluster & kernel) {
    return kernel.back + 1 + kernel.ahead;
}

std::string_view word(KvType type) {
    switch (type) {
        case KvType::F32:
            return "f32";
        case KvType::BF16:
            return "bf16";
        case KvType::Q8_0:
            return "q8_0";
        case KvType::Q4_0:
            return "q4_0";
        case KvType::F16:
            break;
    }
    return "f16";
}

std::string word(KvTypes types) {
    return types.key == types.value ? std::string(word(types.key))
                                    : fmt::format("{}/{}", word(types.key), word(types.value));
}

std::string word(const Budget & budget) {
    return fmt::format("{}{}", budget.value, budget.unit == Budget::Unit::Percent ? "%" : "");
}

std::string name_of(const CacheConfig & cache, const VariantLists & lists) {
    std::string name = cache.policy == Policy::Full ? "full" : fmt::format("snapkv {}", word(cache.budget));
    if (cache.policy == Policy::SnapKV) {
        if (lists.windows.size() > 1) {
            name += fmt::format(", window {}", word(cache.window));
        }
        if (lists.recents.size() > 1) {
            name += fmt::format(", recent {}", word(cache.recent));
        }
        if (lists.evidences.size() > 1) {
            name += fmt::format(", {}", word(cache.evidence));
        }
        if (lists.clusters.size() > 1) {
            name += fmt::format(", {}", cluster_text(cache.cluster));
        }
        if (lists.clusters.empty() && lists.poolings.size() > 1) {
            name += fmt::format(", pooling {}", word(cache.cluster.pooling));
        }
        if (lists.clusters.empty() && lists.kernels.size() > 1 && cache.cluster.pooling != Pooling::None) {
            name += fmt::format(", kernel {}", width(cache.cluster));
        }
        if (lists.groups.size() > 1) {
            name += fmt::format(", group {}", word(cache.group));
        }
        if (lists.sinks.size() > 1) {
            name += fmt::format(", sink {}", cache.sink);
        }
    }
    if (lists.types.size() > 1) {
        name += fmt::format(", {}", word(cache.type));
    }
    if (!cache.rotate && (is_quantised(cache.type.key) || is_quantised(cache.type.value))) {
        name += ", unrotated";
    }
    return name;
}

/// Calls `body` for each value of `list` with `member` of `cache` set to it.
template <typename Value, typename Member, typename Body>
void each(CacheConfig & cache, const std::vector<Value> & list, Member member, const Body & body) {
    for (const Value & value : list) {
        cache.*member = value;
        body();
    }
}

}  // namespace

std::string cluster_text(const Cluster & cluster) {
    const bool reaches = cluster.rule == Cluster::Rule::Reach;
    std::string text = "none";
    if (reaches || cluster.pooling != Pooling::None) {
        const char * rule = cluster.pooling == Pooling::Max ? "kernel" : "avg";
        text = fmt::format("{}:{},{}", reaches ? "reach" : rule, cluster.back, cluster.ahead);
    }
    return text + (cluster.words ? "+words" : "") + (cluster.stops ? "+stops" : "");
}

std::vector<std::pair<std::string, std::string>> settings_of(const CacheConfig & cache) {
    if (cache.policy == Policy::Full) {
        return {};
    }
    std::vector<std::pair<std::string, std::string>> settings{{"budget", word(cache.budget)},
                                                              {"window", word(cache.window)},
                                                              {"recent", word(cache.recent)},
                                                              {"evidence", std::string(word(cache.evidence))},
                                                              {"cluster", cluster_text(cache.cluster)}};
    if (cache.cluster.rule == Cluster::Rule::Kernel) {
        settings.emplace_back("pooling", word(cache.cluster.pooling));
        settings.emplace_back("kernel", fmt::format("{}", width(cache.cluster)));
    }
    return settings;
}

std::vector<Cluster> clusters_of(const VariantLists & lists) {
    std::vector<Cluster> clusters = lists.clusters;
    for (const Pooling pooling : lists.poolings) {
        for (const std::uint32_t kernel : lists.kernels) {
            if (lists.clusters.empty()) {
                clusters.push_back(Cluster::kernel(kernel, pooling));
            }
        }
    }
    return clusters;
}

std::vector<Variant> make_variants(const VariantLists & lists) {
    std::vector<Variant> variants;
    CacheConfig cache;
    const auto add = [&] {
        Variant variant{name_of(cache, lists), cache};
        const bool known = std::any_of(variants.begin(), variants.end(),
                                       [&](const Variant & other) { return other.name == variant.name; });
        if (!known) {
            variants.push_back(std::move(variant));
        }
    };
    const std::vector<Cluster> clusters = clusters_of(lists);
    const auto for_each_cluster = [&](const auto & body) { each(cache, clusters, &CacheConfig::cluster, body); };
    const auto for_each_voting = [&](const auto & body) {
        each(cache, lists.windows, &CacheConfig::window, [&] {
            each(cache, lists.recents, &CacheConfig::recent,
                 [&] { each(cache, lists.evidences, &CacheConfig::evidence, body); });
        });
    };
    const auto for_each_storage = [&](const auto & body) {
        each(cache, lists.types, &CacheConfig::type, [&] { each(cache, lists.rotations, &CacheConfig::rotate, body); });
    };
    each(cache, lists.policies, &CacheConfig::policy, [&] {
        each(cache, lists.budgets, &CacheConfig::budget, [&] {
            for_each_voting([&] {
                for_each_cluster([&] {
                    each(cache, lists.groups, &CacheConfig::group,
                         [&] { each(cache, lists.sinks, &CacheConfig::sink, [&] { for_each_storage(add); }); });
                });
            });
        });
    });
    return variants;
}

}  // namespace snapkv::eval

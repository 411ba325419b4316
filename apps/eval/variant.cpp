#include "eval/variant.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "snapkv/choice_names.h"
#include "snapkv/named_policy.h"

namespace snapkv::eval {

namespace {

template <typename Choice>
auto word(Choice choice) -> decltype(name_of(choice)) {
    return name_of(choice);
}

std::string word(std::uint32_t rows) {
    return fmt::format("{}", rows);
}

std::string word(KvTypes types) {
    return types.key == types.value ? std::string(name_of(types.key))
                                    : fmt::format("{}/{}", name_of(types.key), name_of(types.value));
}

std::string word(const Budget & budget) {
    return budget_text(budget);
}

std::string word(const Cluster & cluster) {
    return cluster_text(cluster);
}

std::string word(bool on) {
    return on ? "on" : "off";
}

/// The policy's own choice is called auto.
template <typename Value>
std::string word(const std::optional<Value> & value) {
    return value ? std::string(word(*value)) : "auto";
}

/// Which rows a cache keeps, as far as that tells it apart from the others of its lists.
std::string choices_of(const CacheConfig & cache, const VariantLists & lists) {
    if (cache.policy == Policy::Full) {
        return "full";
    }
    std::string name = fmt::format("{} {}", named_policy(cache.policy).name, word(cache.budget));
    if (lists.windows.size() > 1) {
        name += fmt::format(", window {}", word(cache.window));
    }
    if (lists.recents.size() > 1) {
        name += fmt::format(", recent {}", word(cache.recent));
    }
    if (lists.evidences.size() > 1) {
        name += fmt::format(", evidence {}", word(cache.evidence));
    }
    if (lists.allocations.size() > 1) {
        name += fmt::format(", allocation {}", word(cache.allocation));
    }
    if (lists.kernels.empty() && lists.poolings.empty()) {
        if (lists.clusters.size() > 1) {
            name += fmt::format(", {}", cache.cluster ? cluster_text(*cache.cluster) : "cluster auto");
        }
    } else {
        if (lists.poolings.size() > 1) {
            name += fmt::format(", pooling {}", word(cache.cluster->pooling));
        }
        if (lists.kernels.size() > 1 && cache.cluster->pooling != Pooling::None) {
            name += fmt::format(", kernel {}", cache.cluster->width());
        }
    }
    if (lists.groups.size() > 1) {
        name += fmt::format(", group {}", word(cache.group));
    }
    if (lists.evictions.size() > 1) {
        name += fmt::format(", evict {}", word(cache.evict));
    }
    if (lists.sinks.size() > 1) {
        name += fmt::format(", sink {}", word(cache.sink));
    }
    return name;
}

std::string name_of(const CacheConfig & cache, const VariantLists & lists) {
    std::string name = choices_of(cache, lists);
    if (lists.tails.size() > 1 && cache.tail_budget) {
        name += fmt::format(", tail {}", *cache.tail_budget);
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
    if (cluster.rule == Cluster::Rule::Chunk) {
        text = fmt::format("chunk:{}", cluster.width());
    } else if (reaches || cluster.pooling != Pooling::None) {
        const char * rule = cluster.pooling == Pooling::Max ? "kernel" : "avg";
        text = fmt::format("{}:{},{}", reaches ? "reach" : rule, cluster.back, cluster.ahead);
    }
    return text + (cluster.words ? "+words" : "") + (cluster.stops ? "+stops" : "");
}

std::vector<std::pair<std::string, std::string>> settings_of(const CacheConfig & cache) {
    if (cache.policy == Policy::Full) {
        return cache.tail_budget ? std::vector{std::pair(std::string("tail budget"), word(*cache.tail_budget))}
                                 : std::vector<std::pair<std::string, std::string>>();
    }
    std::vector<std::pair<std::string, std::string>> settings{{"policy", std::string(named_policy(cache.policy).name)},
                                                              {"budget", word(cache.budget)},
                                                              {"window", word(cache.window)},
                                                              {"recent", word(cache.recent)},
                                                              {"evidence", word(cache.evidence)},
                                                              {"group", word(cache.group)},
                                                              {"cluster", word(cache.cluster)},
                                                              {"allocation", word(cache.allocation)},
                                                              {"sink", word(cache.sink)},
                                                              {"type", word(cache.type)},
                                                              {"rotated", cache.rotate ? "yes" : "no"}};
    if (cache.evict) {
        settings.emplace_back("evict", word(*cache.evict));
    }
    if (cache.tail_budget) {
        settings.emplace_back("tail budget", word(*cache.tail_budget));
    }
    if (cache.cluster && *cache.cluster == Cluster::kernel(cache.cluster->width(), cache.cluster->pooling)) {
        settings.emplace_back("pooling", word(cache.cluster->pooling));
        settings.emplace_back("kernel", fmt::format("{}", cache.cluster->width()));
    }
    return settings;
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
    std::vector<std::optional<Cluster>> clusters = lists.clusters;
    if (!lists.kernels.empty() || !lists.poolings.empty()) {
        clusters.clear();
        const Cluster paper;
        const std::vector<std::uint32_t> kernels{paper.width()};
        const std::vector<Pooling> poolings{paper.pooling};
        for (const Pooling pooling : lists.poolings.empty() ? poolings : lists.poolings) {
            for (const std::uint32_t kernel : lists.kernels.empty() ? kernels : lists.kernels) {
                clusters.emplace_back(Cluster::kernel(kernel, pooling));
            }
        }
    }
    const auto for_each_cluster = [&](const auto & body) { each(cache, clusters, &CacheConfig::cluster, body); };
    const auto for_each_voting = [&](const auto & body) {
        each(cache, lists.windows, &CacheConfig::window, [&] {
            each(cache, lists.recents, &CacheConfig::recent,
                 [&] { each(cache, lists.evidences, &CacheConfig::evidence, body); });
        });
    };
    const auto for_each_storage = [&](const auto & body) {
        each(cache, lists.tails, &CacheConfig::tail_budget, [&] {
            each(cache, lists.types, &CacheConfig::type,
                 [&] { each(cache, lists.rotations, &CacheConfig::rotate, body); });
        });
    };
    const auto for_each_share = [&](const auto & body) {
        each(cache, lists.allocations, &CacheConfig::allocation, [&] {
            each(cache, lists.sinks, &CacheConfig::sink,
                 [&] { each(cache, lists.evictions, &CacheConfig::evict, body); });
        });
    };
    each(cache, lists.policies, &CacheConfig::policy, [&] {
        each(cache, lists.budgets, &CacheConfig::budget, [&] {
            for_each_voting([&] {
                for_each_cluster([&] {
                    each(cache, lists.groups, &CacheConfig::group,
                         [&] { for_each_share([&] { for_each_storage(add); }); });
                });
            });
        });
    });
    return variants;
}

}  // namespace snapkv::eval

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
            name += cache.window ? fmt::format(", window {}", *cache.window) : ", window auto";
        }
        if (lists.poolings.size() > 1) {
            name += fmt::format(", pooling {}", word(cache.pooling));
        }
        if (lists.kernels.size() > 1 && cache.pooling != Pooling::None) {
            name += fmt::format(", kernel {}", cache.kernel);
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

std::vector<std::pair<std::string, std::string>> settings_of(const CacheConfig & cache) {
    if (cache.policy == Policy::Full) {
        return {};
    }
    return {{"budget", word(cache.budget)},
            {"window", cache.window ? fmt::format("{}", *cache.window) : "auto"},
            {"pooling", std::string(word(cache.pooling))},
            {"kernel", fmt::format("{}", cache.kernel)}};
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
    each(cache, lists.policies, &CacheConfig::policy, [&] {
        each(cache, lists.budgets, &CacheConfig::budget, [&] {
            each(cache, lists.windows, &CacheConfig::window, [&] {
                each(cache, lists.poolings, &CacheConfig::pooling, [&] {
                    each(cache, lists.kernels, &CacheConfig::kernel, [&] {
                        each(cache, lists.groups, &CacheConfig::group, [&] {
                            each(cache, lists.sinks, &CacheConfig::sink, [&] {
                                each(cache, lists.types, &CacheConfig::type,
                                     [&] { each(cache, lists.rotations, &CacheConfig::rotate, add); });
                            });
                        });
                    });
                });
            });
        });
    });
    return variants;
}

}  // namespace snapkv::eval

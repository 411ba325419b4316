#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "snapkv/cache_config.h"

namespace snapkv::eval {

/// One cache configuration among those that an experiment compares.
struct Variant {
    std::string name;  ///< unique in the experiment; says in what it differs from the others
    CacheConfig cache;
};

/// Every combination of these lists. What has one value only is not named, save quantised rows without their rotation.
struct VariantLists {
    std::vector<Policy> policies{Policy::Full, Policy::SnapKV};
    std::vector<Budget> budgets{Budget{}};
    std::vector<std::optional<std::uint32_t>> windows{std::nullopt};  ///< none: automatic
    std::vector<std::optional<std::uint32_t>> recents{std::nullopt};  ///< none: automatic
    std::vector<Evidence> evidences{Evidence::Mean};
    std::vector<std::uint32_t> kernels{7};
    std::vector<Pooling> poolings{Pooling::Max};
    std::vector<Cluster> clusters{};  ///< where there are any, kernels and poolings do not count
    std::vector<GroupReduce> groups{GroupReduce::Mean};
    std::vector<std::uint32_t> sinks{0};
    std::vector<KvTypes> types{KvType::F16};
    std::vector<bool> rotations{true};  ///< of quantised rows
};

/// The lists' clusters, or else those of their poolings and kernels.
[[nodiscard]] std::vector<Cluster> clusters_of(const VariantLists & lists);

/// The variants of the lists, in their order, each once: under Policy::Full only types and rotation tell variants
/// apart, without pooling the kernel does not, and of float rows the rotation does not.
[[nodiscard]] std::vector<Variant> make_variants(const VariantLists & lists);

/// As --kv-cluster takes it: `kernel:3,3`, `avg:3,3`, `none`, `reach:1,4+words+stops`.
[[nodiscard]] std::string cluster_text(const Cluster & cluster);

/// What a compressed cache was asked to be, in words: budget, window and recent rows, evidence, cluster, and pooling
/// and kernel of one that has them. Nothing for a full one.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> settings_of(const CacheConfig & cache);

}  // namespace snapkv::eval

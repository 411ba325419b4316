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
    std::vector<Policy> policies{Policy::Full, Policy::Auto};
    std::vector<Budget> budgets{Budget{}};
    // std::nullopt: the policy's own choice.
    std::vector<std::optional<std::uint32_t>> windows{std::nullopt};
    std::vector<std::optional<std::uint32_t>> recents{std::nullopt};
    std::vector<std::optional<Evidence>> evidences{std::nullopt};
    std::vector<std::optional<Cluster>> clusters{std::nullopt};
    std::vector<std::uint32_t> kernels{};  ///< with these or poolings, clusters do not count
    std::vector<Pooling> poolings{};
    std::vector<std::optional<GroupReduce>> groups{std::nullopt};
    std::vector<std::optional<Allocation>> allocations{std::nullopt};
    std::vector<std::optional<std::uint32_t>> sinks{std::nullopt};
    std::vector<std::optional<bool>> evictions{std::nullopt};
    std::vector<std::optional<std::uint32_t>> tails{std::nullopt};  ///< std::nullopt: all rows
    std::vector<KvTypes> types{KvType::F16};
    std::vector<bool> rotations{true};  ///< of quantised rows
};

/// The variants of the lists, in their order, each once: under Policy::Full only types and rotation tell variants
/// apart, without pooling the kernel does not, and of float rows the rotation does not.
[[nodiscard]] std::vector<Variant> make_variants(const VariantLists & lists);

/// As --kv-cluster takes it: `kernel:3,3`, `avg:3,3`, `none`, `reach:1,4+words+stops`.
[[nodiscard]] std::string cluster_text(const Cluster & cluster);

/// What a compressed cache was asked to be, in words: budget, window and recent rows, evidence, cluster, allocation,
/// and pooling and kernel of the paper's kind of cluster. Nothing for a full one.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> settings_of(const CacheConfig & cache);

}  // namespace snapkv::eval

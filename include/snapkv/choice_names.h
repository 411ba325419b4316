#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "snapkv/cache_config.h"

namespace snapkv {

// What the choices of a cache configuration are called on the command line, in JSON, in print and in messages: the
// names in the order of the enumerations. Policies are in named_policy.h.

inline constexpr std::array<std::string_view, 12> evidence_names{
    "mean", "rms", "top4", "max", "max-floor", "recency", "accumulated", "pivotal", "none", "keys", "output", "values"};
inline constexpr std::array<std::string_view, 4> group_names{"mean", "max", "sum", "layer"};
inline constexpr std::array<std::string_view, 5> allocation_names{"even", "heads", "pyramid", "entropy", "global"};
inline constexpr std::array<std::string_view, 3> pooling_names{"none", "max", "avg"};
inline constexpr std::array<std::string_view, 5> kv_type_names{"f32", "f16", "bf16", "q8_0", "q4_0"};

[[nodiscard]] constexpr std::string_view name_of(Evidence evidence) {
    return evidence_names[static_cast<std::size_t>(evidence)];
}
[[nodiscard]] constexpr std::string_view name_of(GroupReduce group) {
    return group_names[static_cast<std::size_t>(group)];
}
[[nodiscard]] constexpr std::string_view name_of(Allocation allocation) {
    return allocation_names[static_cast<std::size_t>(allocation)];
}
[[nodiscard]] constexpr std::string_view name_of(Pooling pooling) {
    return pooling_names[static_cast<std::size_t>(pooling)];
}
[[nodiscard]] constexpr std::string_view name_of(KvType type) {
    return kv_type_names[static_cast<std::size_t>(type)];
}

}  // namespace snapkv

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace snapkv {

/// What this process's control groups leave it: the tightest limit on the way from its own group to the root of what is
/// mounted, of version 2 and of each controller of version 1. Nothing: no group limits it.
struct GroupLimits {
    std::optional<double> processors;  ///< the quota over its period
    std::optional<std::uint64_t>
        memory;  ///< bytes until a limit is reached; file pages that would give way count as free
};

/// Reads proc/self/cgroup, proc/self/mountinfo and the groups' files below `root`. What cannot be read limits nothing.
[[nodiscard]] GroupLimits group_limits(const std::filesystem::path & root = "/");

}  // namespace snapkv

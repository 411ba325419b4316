#pragma once

#include <cstdint>

#include "snapkv/cache_config.h"

namespace snapkv::select {

/// What a policy chooses where a configuration leaves it open.
struct NamedPolicy {
    Evidence evidence = Evidence::Mean;
    GroupReduce group = GroupReduce::Mean;
    Cluster cluster{};
    Allocation allocation = Allocation::Even;
    std::uint32_t fewest_voters = 0;        ///< of an automatic window, however short the question
    std::uint32_t voters_of_free_text = 0;  ///< of an automatic window where there is no question
    std::uint32_t fewest_recent = 0;        ///< of automatic recent rows; 0: they are the window's
};

/// Not of Policy::Full, which chooses nothing.
[[nodiscard]] NamedPolicy named_policy(Policy policy);

}  // namespace snapkv::select

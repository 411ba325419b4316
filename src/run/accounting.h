#pragma once

#include <cstdint>

#include "base/resident.h"

namespace snapkv::run {

/// Watches a run's memory: the engine's own sum and what the system says has become resident since it began.
class Accounting {
public:
    Accounting() : anonymous_before_(resident_memory().anonymous) {}

    void sample(std::uint64_t accounted_bytes) {
        const std::uint64_t anonymous = resident_memory().anonymous;
        const std::uint64_t growth = anonymous > anonymous_before_ ? anonymous - anonymous_before_ : 0;
        accounted_peak_ = accounted_bytes > accounted_peak_ ? accounted_bytes : accounted_peak_;
        growth_peak_ = growth > growth_peak_ ? growth : growth_peak_;
    }
    [[nodiscard]] std::uint64_t accounted_peak() const { return accounted_peak_; }
    [[nodiscard]] std::uint64_t growth_peak() const { return growth_peak_; }

private:
    std::uint64_t anonymous_before_;
    std::uint64_t accounted_peak_ = 0;
    std::uint64_t growth_peak_ = 0;
};

}  // namespace snapkv::run

#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "base/block.h"
#include "base/meter.h"
#include "base/raise.h"

namespace snapkv::kv {

/// Where blocks of K/V come from: anonymous memory, metered. Blocks outlive the arena. Thread-safe.
class Arena {
public:
    /// `others`: meters that count its blocks too. `of_sizes`: the blocks have no memory (see Meter).
    explicit Arena(std::vector<std::shared_ptr<Meter>> others = {}, bool of_sizes = false)
        : meter_(std::make_shared<Meter>(std::move(others), of_sizes)) {}

    /// Throws Error(Machine) where the system refuses, or where more than the limit would be alive.
    [[nodiscard]] Block allocate(std::size_t bytes) {
        const std::uint64_t limit = limit_;
        const std::uint64_t alive = meter_->alive();
        if (bytes > limit - std::min(limit, alive)) {
            raise_machine("no memory for {} bytes of keys and values: {} of {} are taken", bytes, alive, limit);
        }
        return {bytes, meter_};
    }
    [[nodiscard]] Meter & meter() { return *meter_; }
    [[nodiscard]] const std::shared_ptr<Meter> & shared_meter() const { return meter_; }

    /// Bytes that may be alive at once (a little more where several threads allocate); without limit at first.
    void set_limit(std::uint64_t bytes) { limit_ = bytes; }

private:
    std::shared_ptr<Meter> meter_;
    std::atomic<std::uint64_t> limit_{std::numeric_limits<std::uint64_t>::max()};
};

}  // namespace snapkv::kv

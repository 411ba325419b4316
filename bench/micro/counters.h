#pragma once

#include <benchmark/benchmark.h>

#include "peaks.h"

namespace snapkv::micro {

/// Begun right before the loop of a benchmark, asked after it.
class Watch {
public:
    /// Processor time of this thread for one iteration.
    [[nodiscard]] double seconds(const benchmark::State & state) const {
        return (thread_seconds() - begin_) / static_cast<double>(state.iterations());
    }

private:
    double begin_ = thread_seconds();
};

/// Floating-point operations of an iteration that took `seconds`, as GFLOP/s and as a share of a peak; a peak of 0
/// gives no share.
inline void count_flop(benchmark::State & state, double seconds, double flop, double peak) {
    state.counters["GFLOP/s"] = flop / seconds / 1e9;
    if (peak > 0) {
        state.counters["of_peak"] = flop / seconds / peak;
    }
}

/// The same for bytes read.
inline void count_bytes(benchmark::State & state, double seconds, double bytes, double peak) {
    state.counters["GB/s"] = bytes / seconds / 1e9;
    if (peak > 0) {
        state.counters["of_read"] = bytes / seconds / peak;
    }
}

}  // namespace snapkv::micro

#pragma once

#include <memory>

#include "bench_case.h"

namespace snapkv::cli {

/// Prints the results of `snapkv bench` on standard output: rows as they come where the format has rows.
class BenchOutput {
public:
    virtual ~BenchOutput() = default;
    virtual void begin() {}
    virtual void add(const BenchResult & result) = 0;
    /// After the last result, or when Ctrl-C has ended the run.
    virtual void end() {}
};

[[nodiscard]] std::unique_ptr<BenchOutput> make_bench_output(BenchFormat format, const Settings & settings,
                                                             const ModelInfo & model);

}  // namespace snapkv::cli

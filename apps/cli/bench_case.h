#pragma once

#include <cstdint>
#include <vector>

#include "settings.h"

namespace snapkv::cli {

/// One row of `snapkv bench`: a prompt of `prompt` tokens or `generate` steps of decode, after `depth` tokens,
/// of one sequence or several.
struct BenchCase {
    std::uint32_t threads = 0;
    std::uint32_t threads_batch = 0;
    std::uint32_t batch = 0;
    CacheConfig cache;
    std::uint32_t depth = 0;
    std::uint32_t prompt = 0;    ///< 0: a case of decode
    std::uint32_t generate = 0;  ///< 0: a case of prefill
    std::uint32_t parallel = 1;  ///< sequences that are decoded together

    /// Both can be measured by one session.
    [[nodiscard]] bool same_session(const BenchCase & other) const {
        return threads == other.threads && threads_batch == other.threads_batch && batch == other.batch;
    }
    /// "pp512", "tg128 x 8 @ d8000"
    [[nodiscard]] std::string name() const;
};

/// What was measured for it.
struct BenchResult {
    BenchCase of;
    CacheStats kept;            ///< of the prompt, or of the rows that stand for it
    std::vector<double> nanos;  ///< one a repetition
    std::uint64_t cache_bytes_peak = 0;
    std::uint64_t resident_bytes_peak = 0;

    [[nodiscard]] std::vector<double> rates() const;  ///< tokens a second, of all sequences, one a repetition
};

/// Every combination that the settings ask for, those of one session together. Prompts and generations of 0 tokens are
/// none; without compression the budget makes no difference and gives one case.
[[nodiscard]] std::vector<BenchCase> bench_cases(const Settings & settings);

struct Spread {
    double mean = 0;
    double deviation = 0;  ///< of a sample: 0 for fewer than two values
    double median = 0;
};
/// Of at least one value.
[[nodiscard]] Spread spread_of(std::vector<double> values);

}  // namespace snapkv::cli

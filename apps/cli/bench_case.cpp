#include "bench_case.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace snapkv::cli {
namespace {

std::vector<CacheConfig> cache_configurations(const Settings & settings) {
    std::vector<CacheConfig> list;
    for (const Policy policy : settings.bench.policies) {
        for (const KvType type : settings.bench.types) {
            for (const Budget & budget : settings.bench.budgets) {
                CacheConfig cache = settings.cache;
                cache.policy = policy;
                cache.type = type;
                cache.budget = budget;
                list.push_back(cache);
                if (policy == Policy::Full) {
                    break;
                }
            }
        }
    }
    return list;
}

/// The prompts and generations at each depth, as additions to `base`.
void add_tests(const BenchSettings & bench, BenchCase base, std::vector<BenchCase> & cases) {
    for (const std::uint32_t depth : bench.depths) {
        base.depth = depth;
        for (const std::uint32_t prompt : bench.prompts) {
            if (prompt > 0) {
                cases.push_back(base);
                cases.back().prompt = prompt;
            }
        }
        for (const std::uint32_t generate : bench.generations) {
            for (const std::uint32_t parallel : bench.parallel) {
                if (generate > 0) {
                    cases.push_back(base);
                    cases.back().generate = generate;
                    cases.back().parallel = parallel;
                }
            }
        }
    }
}

}  // namespace

std::string BenchCase::name() const {
    const std::string at = depth > 0 ? fmt::format(" @ d{}", depth) : "";
    const std::string together = parallel > 1 ? fmt::format(" x {}", parallel) : "";
    return prompt > 0 ? fmt::format("pp{}{}", prompt, at) : fmt::format("tg{}{}{}", generate, together, at);
}

std::vector<double> BenchResult::rates() const {
    std::vector<double> list;
    for (const double each : nanos) {
        const std::uint64_t tokens = of.prompt > 0 ? of.prompt : std::uint64_t{of.generate} * of.parallel;
        list.push_back(1e9 * static_cast<double>(tokens) / std::max(each, 1.0));
    }
    return list;
}

std::vector<BenchCase> bench_cases(const Settings & settings) {
    std::vector<BenchCase> cases;
    const BenchSettings & bench = settings.bench;
    for (const std::uint32_t threads : bench.threads) {
        for (const std::uint32_t threads_batch : bench.threads_batch) {
            for (const std::uint32_t batch : bench.batches) {
                for (const CacheConfig & cache : cache_configurations(settings)) {
                    add_tests(bench, {threads, threads_batch, batch, cache}, cases);
                }
            }
        }
    }
    return cases;
}

Spread spread_of(std::vector<double> values) {
    const auto count = static_cast<double>(values.size());
    Spread spread;
    spread.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
    double squares = 0;
    for (const double value : values) {
        squares += (value - spread.mean) * (value - spread.mean);
    }
    spread.deviation = values.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    spread.median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
    return spread;
}

}  // namespace snapkv::cli

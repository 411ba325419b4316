#include "report.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>

#include "format.h"

namespace snapkv::cli {
namespace {

std::string cache_text(const CacheStats & cache) {
    const std::string full =
        fmt::format("{} rows ({}) full", count_text(cache.rows_full), bytes_text(cache.bytes_full));
    const std::string evicted = cache.evicted > 0 ? fmt::format(", {} evicted since", count_text(cache.evicted)) : "";
    if (!cache.compressed) {
        return fmt::format("{}, not compressed{}{}{}", full, cache.reason.empty() ? "" : ": ", cache.reason, evicted);
    }
    const double ratio =
        static_cast<double>(cache.bytes_full) / static_cast<double>(std::max<std::uint64_t>(cache.bytes_kept, 1));
    return fmt::format("{}, {} ({}) kept, {:.1f}x smaller{}", full, count_text(cache.rows_kept),
                       bytes_text(cache.bytes_kept), ratio, evicted);
}

std::string answer_text(const Answer & answer, bool several) {
    const Generation & generation = answer.generation;
    const double rate = per_second(generation.decode_steps, generation.predicted_ms);
    std::string text;
    if (several) {
        text += fmt::format("> {}\n  prompt   {}\n", answer.question, count_text(answer.prompt_tokens, "token"));
    }
    text += fmt::format("  answer   {}{}{}{}\n", count_text(generation.tokens.size(), "token"),
                        generation.decode_steps > 0 ? fmt::format(", decode {}", rate_text(rate)) : "",
                        answer.limit.empty() ? "" : ", cut off at " + answer.limit,
                        generation.reason == StopReason::Interrupt        ? ", interrupted"
                        : generation.reason == StopReason::NothingAllowed ? ", nothing further allowed"
                                                                          : "");
    return text + fmt::format("  cache    {}\n", cache_text(answer.cache));
}

}  // namespace

bool Report::interrupted() const {
    return std::any_of(answers.begin(), answers.end(),
                       [](const Answer & answer) { return answer.generation.reason == StopReason::Interrupt; });
}

std::uint64_t peak_resident_bytes() {
    struct rusage usage {};
    getrusage(RUSAGE_SELF, &usage);
    return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::string statistics_text(const Report & report) {
    const std::uint64_t tokens =
        report.several || report.answers.empty() ? report.shared_tokens : report.answers.front().prompt_tokens;
    std::string text = fmt::format("  prompt   {}{}\n", count_text(tokens, "token"), report.several ? " shared" : "");
    if (report.computed_tokens > 0) {
        text += fmt::format("  prefill  {} in {}, {}\n", count_text(report.computed_tokens, "token"),
                            seconds_text(report.prompt_ms / 1000),
                            rate_text(per_second(report.computed_tokens, report.prompt_ms)));
    }
    for (const Answer & answer : report.answers) {
        text += answer_text(answer, report.several);
    }
    return text + fmt::format("  peak     cache {}, resident {}\n", bytes_text(report.cache_bytes_peak),
                              bytes_text(report.peak_rss_bytes));
}

}  // namespace snapkv::cli

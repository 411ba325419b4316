#include "answering.h"

#include <algorithm>
#include <random>

#include "fail.h"
#include "format.h"
#include "interrupt.h"
#include "standard_output.h"
#include "status.h"

namespace snapkv::cli {

Answering::Answering(const Settings & settings, Session & session)
    : settings_(settings), session_(session), sampling_(settings.sampling) {
    if (sampling_.seed == SamplingOptions{}.seed) {
        sampling_.seed = std::random_device{}() & 0x7FFFFFFFU;
    }
}

void Answering::print_heading(const std::string & question) {
    if (!report_.several || settings_.json) {
        return;
    }
    std::string line = question;
    std::replace(line.begin(), line.end(), '\n', ' ');
    print("{}> {}\n", report_.answers.empty() ? "" : "\n", line);
}

void Answering::answer(Sequence & sequence, Answer answer) {
    if (interrupted() || !flush_standard_output()) {
        skip(std::move(answer));
        return;
    }
    print_heading(answer.question);
    if (settings_.predict != 0) {
        GenerateOptions options{settings_.predict, sampling_, settings_.stop};
        answer.generation = session_.generate(sequence, options, [&](std::string_view text) {
            if (!settings_.json) {
                print_text(text);
            }
            return flush_standard_output();
        });
        if (!settings_.json && !answer.generation.text.ends_with('\n')) {
            print_text("\n");
        }
        flush_standard_output();
        if (answer.generation.reason == StopReason::Length) {
            answer.limit = limit_of(answer.generation);
        }
    }
    report_.answers.push_back(std::move(answer));
}

std::string Answering::limit_of(const Generation & generation) const {
    if (settings_.predict >= 0 && generation.tokens.size() >= static_cast<std::uint64_t>(settings_.predict)) {
        return fmt::format("-n {}", settings_.predict);
    }
    return fmt::format("the end of the context ({})", count_text(session_.context(), "token"));
}

void Answering::skip(Answer answer) {
    answer.generation.reason = StopReason::Interrupt;
    report_.answers.push_back(std::move(answer));
}

void Answering::save(std::string_view option, const std::function<bool()> & write) {
    try {
        if (!write()) {
            note("{}: not written: interrupted", option);
            interrupted_saving_ = true;
        }
    } catch (const Error & error) {
        if (unsaved_) {
            warn("{}", error.what());
        } else {
            unsaved_ = std::current_exception();
        }
    }
}

int Answering::finish() {
    report_.cache_bytes_peak = session_.cache_bytes_peak();
    report_.peak_rss_bytes = peak_resident_bytes();
    if (settings_.json) {
        print_json(run_json(report_));
    } else {
        say(fmt::format("\n{}", statistics_text(report_)));
    }
    if (unsaved_) {
        flush_standard_output();
        std::rethrow_exception(unsaved_);
    }
    finish_standard_output();
    return report_.interrupted() || interrupted_saving_ ? interrupted_status() : status_ok;
}

CacheStats unfinished_cache(const CacheConfig & config) {
    CacheStats stats;
    stats.config = config;
    stats.reason = "the prefill was interrupted";
    return stats;
}

}  // namespace snapkv::cli

#include "answering.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <random>

#include "fail.h"
#include "interrupt.h"
#include "output_file.h"
#include "status.h"

namespace snapkv::cli {
namespace {

void print(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace

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
    print(report_.answers.empty() ? "> " : "\n> ");
    print(line + "\n");
}

void Answering::answer(Sequence & sequence, Answer answer) {
    if (interrupted()) {
        skip(std::move(answer));
        return;
    }
    print_heading(answer.question);
    if (settings_.predict != 0) {
        GenerateOptions options{settings_.predict, sampling_, settings_.stop};
        answer.generation = session_.generate(sequence, options, [&](std::string_view text) {
            if (!settings_.json) {
                print(text);
                std::fflush(stdout);
            }
            return std::ferror(stdout) == 0;
        });
        if (!settings_.json && !answer.generation.text.ends_with('\n')) {
            print("\n");
        }
        finish_standard_output();
    }
    report_.answers.push_back(std::move(answer));
}

void Answering::skip(Answer answer) {
    answer.generation.reason = StopReason::Interrupt;
    report_.answers.push_back(std::move(answer));
}

int Answering::finish(const std::function<void()> & save) {
    std::exception_ptr unsaved;
    try {
        save();  // what took the work, before printing may fail
    } catch (...) {
        unsaved = std::current_exception();
    }
    const int status = finish();
    if (unsaved) {
        std::rethrow_exception(unsaved);
    }
    return status;
}

int Answering::finish() {
    report_.cache_bytes_peak = session_.cache_bytes_peak();
    report_.peak_rss_bytes = peak_resident_bytes();
    if (settings_.json) {
        print_json(run_json(report_));
    } else {
        fmt::print(stderr, "\n{}", statistics_text(report_));
    }
    finish_standard_output();
    return report_.interrupted() ? status_interrupted : status_ok;
}

CacheStats unfinished_cache(const CacheConfig & config) {
    CacheStats stats;
    stats.config = config;
    stats.reason = "the prefill was interrupted";
    return stats;
}

}  // namespace snapkv::cli

#include "answering.h"

#include <algorithm>
#include <new>
#include <random>
#include <utility>

#include "eval/utf8_text.h"
#include "fail.h"
#include "format.h"
#include "interrupt.h"
#include "standard_output.h"
#include "status.h"

namespace snapkv::cli {
namespace {

void note_interrupted(std::string_view option) {
    note("{}: not written: interrupted", option);
}

TokenText token_text(const Model & model, Token token, float logprob) {
    return {token, eval::valid_utf8(model.piece(token)), logprob};
}

std::vector<AnswerToken> logprobs_of(const Model & model, const Generation & generation) {
    std::vector<AnswerToken> tokens;
    for (std::size_t i = 0; i < generation.tokens.size(); ++i) {
        const ScoredToken & scores = generation.scores[i];
        AnswerToken & token = tokens.emplace_back();
        token.taken = token_text(model, generation.tokens[i], scores.logprob);
        for (const TokenProbability & other : scores.top) {
            token.top.push_back(token_text(model, other.token, other.logprob));
        }
    }
    return tokens;
}

}  // namespace

Answering::Answering(const Settings & settings, Session * session, std::string grammar)
    : settings_(settings), session_(session), sampling_(settings.sampling) {
    if (sampling_.seed == SamplingOptions{}.seed) {
        sampling_.seed = std::random_device{}() & 0x7FFFFFFFU;
    }
    sampling_.grammar = std::move(grammar);
}

void Answering::print_heading(const std::string & question) {
    if (!report_.several || settings_.json) {
        return;
    }
    std::string line = question;
    std::replace(line.begin(), line.end(), '\n', ' ');
    print("{}> {}\n", report_.answers.empty() ? "" : "\n", line);
}

bool Answering::handed_over() const {
    return flush_standard_output() || !settings_.save_kv.empty();
}

void Answering::answer(Sequence & sequence, Answer answer) {
    if (interrupted() || !handed_over()) {
        skip(std::move(answer));
        return;
    }
    print_heading(answer.question);
    if (settings_.predict != 0) {
        const GenerateOptions options{settings_.predict, sampling_, settings_.stop, settings_.logprobs};
        answer.generation = session_->generate(sequence, options, [&](std::string_view text) {
            if (!settings_.json) {
                print_text(text);
            }
            return handed_over();
        });
        answer.cache.evicted = sequence.cache_stats().evicted;
        if (!settings_.json && !answer.generation.text.ends_with('\n')) {
            print_text("\n");
        }
        flush_standard_output();
        if (settings_.logprobs) {
            answer.logprobs = logprobs_of(session_->model(), answer.generation);
        }
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
    return fmt::format("the end of the context ({})", count_text(session_->context(), "token"));
}

void Answering::skip(Answer answer) {
    answer.generation.reason = StopReason::Interrupt;
    report_.answers.push_back(std::move(answer));
}

void Answering::skip_files() const {
    for (const auto & [option, path] :
         {std::pair("--dump-kept", &settings_.dump_kept), std::pair("--save-kv", &settings_.save_kv)}) {
        if (!path->empty()) {
            note_interrupted(option);
        }
    }
}

void Answering::save(std::string_view option, const std::function<bool()> & write) {
    try {
        if (!write()) {
            note_interrupted(option);
            interrupted_saving_ = true;
        }
    } catch (const Error & error) {
        keep_failure(error);
    } catch (const std::bad_alloc &) {
        keep_failure({ErrorKind::Machine, fmt::format("{}: not written: memory ran out", option)});
    } catch (const std::exception & error) {
        keep_failure({ErrorKind::Machine, fmt::format("{}: not written: {}", option, error.what())});
    }
}

void Answering::keep_failure(const Error & failure) {
    if (unsaved_) {
        warn("{}", failure.what());
    } else {
        unsaved_ = failure;
    }
}

int Answering::finish() {
    report_.cache_bytes_peak = session_ != nullptr ? session_->cache_bytes_peak() : 0;
    report_.peak_rss_bytes = peak_resident_bytes();
    if (settings_.json) {
        print_json(run_json(report_));
    } else {
        say(fmt::format("\n{}", statistics_text(report_)));
    }
    if (unsaved_) {
        flush_standard_output();
        throw Error(*unsaved_);
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

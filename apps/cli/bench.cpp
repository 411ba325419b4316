// `snapkv bench`.
#include <algorithm>
#include <random>

#include "bench_case.h"
#include "bench_output.h"
#include "commands.h"
#include "engine.h"
#include "fail.h"
#include "interrupt.h"
#include "resident.h"
#include "snapkv/tools/filled_sequence.h"
#include "standard_output.h"
#include "status.h"

namespace snapkv::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// A run that Ctrl-C has ended before it was measured.
struct Stopped {};

class Bench {
public:
    Bench(const Settings & settings, Model model)
        : settings_(settings), model_(std::move(model)), cases_(bench_cases(settings)) {}

    [[nodiscard]] const std::vector<BenchCase> & cases() const { return cases_; }

    BenchResult measure(const BenchCase & of) {
        open_session(of);
        BenchResult result;
        result.of = of;
        const SessionOptions & options = session_->options();
        result.of.threads = options.threads;
        result.of.threads_batch = options.threads_batch;
        result.of.batch = options.batch;
        restart_peak_resident();
        if (of.prompt > 0 && of.depth == 0) {
            measure_prefill(result);
        } else {
            measure_at_depth(result);
        }
        result.resident_bytes_peak = peak_resident();
        return result;
    }

private:
    /// The one that serves the case, with room for the longest of all cases.
    void open_session(const BenchCase & of) {
        if (session_ && of.same_session(session_of_)) {
            return;
        }
        session_.reset();
        SessionOptions options = session_options(settings_, model_.info().trained_context);
        options.threads = of.threads;
        options.threads_batch = of.threads_batch;
        options.batch = of.batch;
        options.allow_long = true;
        for (const BenchCase & each : cases_) {
            options.context = std::max(options.context, each.depth + each.prompt + each.generate + 1);
        }
        session_.emplace(model_, options);
        session_of_ = of;
    }

    [[nodiscard]] std::vector<Token> random_tokens(std::size_t count) {
        std::vector<Token> tokens(count);
        std::generate(tokens.begin(), tokens.end(),
                      [&] { return static_cast<Token>(random_() % model_.info().vocabulary); });
        return tokens;
    }

    [[nodiscard]] Sequence prefill(const CacheConfig & cache, std::uint32_t count) {
        Branch branch;
        branch.prompt.tokens = random_tokens(count);
        branch.prompt.question_begin = count;
        branch.cache = cache;
        PrefillResult done = session_->prefill({&branch, 1});
        if (done.stats.interrupted) {
            throw Stopped();
        }
        return std::move(done.sequences.front());
    }

    /// The time that `work` takes, in nanoseconds.
    template <typename Work>
    static double nanos(const Work & work) {
        const auto begin = Clock::now();
        work();
        return std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
    }

    void measure_prefill(BenchResult & result) {
        const BenchCase & of = result.of;
        if (settings_.bench.warm_up) {
            // One chunk: it touches every weight.
            static_cast<void>(prefill(of.cache, std::min(of.prompt, of.batch)));
        }
        for (std::uint32_t i = 0; i < settings_.bench.repetitions; ++i) {
            result.nanos.push_back(nanos([&] { result.kept = prefill(of.cache, of.prompt).cache_stats(); }));
            result.cache_bytes_peak = std::max(result.cache_bytes_peak, session_->cache_bytes_peak());
        }
    }

    /// Further tokens of a prompt, or steps of decode, after rows that stand for a prompt.
    void measure_at_depth(BenchResult & result) {
        const BenchCase & of = result.of;
        const std::optional<Sequence> filled = filled_sequence(*session_, of.depth, of.cache);
        if (!filled) {
            throw Stopped();
        }
        result.kept = filled->cache_stats();
        if (settings_.bench.warm_up) {
            if (of.prompt > 0) {
                prompt_nanos(*filled, std::min(of.prompt, of.batch));
            } else {
                decode_nanos(*filled, of.parallel, 1);
            }
        }
        for (std::uint32_t i = 0; i < settings_.bench.repetitions; ++i) {
            result.nanos.push_back(of.prompt > 0 ? prompt_nanos(*filled, of.prompt)
                                                 : decode_nanos(*filled, of.parallel, of.generate));
        }
        result.cache_bytes_peak = session_->cache_bytes_peak();
    }

    /// The time, in nanoseconds, that `count` further tokens of a prompt take.
    double prompt_nanos(const Sequence & filled, std::uint32_t count) {
        Sequence sequence = filled.fork();
        const std::vector<Token> tokens = random_tokens(count);
        return nanos([&] {
            if (session_->append(sequence, tokens).interrupted) {
                throw Stopped();
            }
        });
    }

    /// The same of `steps` steps of decode, of `parallel` sequences at once.
    double decode_nanos(const Sequence & filled, std::uint32_t parallel, std::uint32_t steps) {
        std::vector<Sequence> sequences;
        std::vector<Sequence *> together;
        sequences.reserve(parallel);
        for (std::uint32_t i = 0; i < parallel; ++i) {
            together.push_back(&sequences.emplace_back(filled.fork()));
        }
        const std::vector<Token> tokens = random_tokens(std::size_t{steps} * parallel);
        return nanos([&] {
            for (std::uint32_t step = 0; step < steps; ++step) {
                if (session_->step(together, std::span(tokens).subspan(std::size_t{step} * parallel, parallel))
                        .interrupted) {
                    throw Stopped();
                }
            }
        });
    }

    const Settings & settings_;
    Model model_;
    std::vector<BenchCase> cases_;
    std::optional<Session> session_;
    BenchCase session_of_;
    std::mt19937 random_{1};
};

}  // namespace

int bench(const Settings & settings) {
    if (bench_cases(settings).empty()) {
        usage_error("there is nothing to measure: -p and -n are 0");
    }
    watch_interrupts();
    const Model model = load_model(settings);
    Bench bench(settings, model);
    const auto output = make_bench_output(settings.bench.format, settings, model.info());
    output->begin();
    finish_standard_output();
    try {
        for (const BenchCase & each : bench.cases()) {
            if (interrupted()) {
                throw Stopped();
            }
            output->add(bench.measure(each));
            finish_standard_output();  // rows that nobody gets need not be measured
        }
    } catch (const Stopped &) {
        note("interrupted: the rows so far are complete");
    }
    output->end();
    finish_standard_output();
    return interrupted() ? interrupted_status() : status_ok;
}

}  // namespace snapkv::cli

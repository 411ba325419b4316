#include <algorithm>
#include <chrono>
#include <new>

#include "base/out_of_memory.h"
#include "run/sampler.h"
#include "run/sequence_impl.h"
#include "run/session_impl.h"
#include "text/stream.h"

namespace snapkv {

namespace {

/// The visible end of a generation: pieces become whole characters, stop strings are cut, the rest is shown.
class Output {
public:
    Output(const std::vector<std::string> & stop, const std::function<bool(std::string_view)> & on_text)
        : stop_(stop), on_text_(on_text) {}

    /// False where the generation should end: a stop string is complete or the listener has had enough.
    bool push(std::string_view piece) {
        const text::StopStrings::Result result = stop_.push(characters_.push(piece));
        stopped_ = result.stopped;
        return show(result.text) && !stopped_;
    }
    void finish() {
        if (!stopped_) {
            std::string rest = stop_.push(characters_.finish()).text;
            rest += stop_.finish();
            show(rest);
        }
    }
    [[nodiscard]] bool stopped() const { return stopped_; }
    [[nodiscard]] std::string take_text() { return std::move(text_); }

private:
    bool show(const std::string & text) {
        text_ += text;
        if (listening_ && !text.empty() && on_text_) {
            listening_ = on_text_(text);
        }
        return listening_;
    }

    text::Utf8Stream characters_;
    text::StopStrings stop_;
    const std::function<bool(std::string_view)> & on_text_;
    std::string text_;
    bool stopped_ = false;
    bool listening_ = true;  ///< on_text has not returned false
};

bool stop_requested(const std::atomic<bool> * stop) {
    return stop != nullptr && stop->load(std::memory_order_relaxed);
}

}  // namespace

Generation Session::generate(Sequence & sequence, const GenerateOptions & options,
                             const std::function<bool(std::string_view)> & on_text) try {
    Sequence::Impl & state = sequence.impl();
    impl_->check_belongs(state);
    const text::Vocabulary & vocabulary = impl_->model.impl()->vocabulary;
    run::Sampler sampler(vocabulary, options.sampling, state.tokens);
    Output output(options.stop, on_text);
    Generation result;
    const auto begin = std::chrono::steady_clock::now();
    const auto full = [&] {
        const bool enough =
            options.max_tokens >= 0 && result.tokens.size() >= static_cast<std::uint64_t>(options.max_tokens);
        return enough || state.tokens.size() >= impl_->options.context;
    };
    while (!full()) {
        if (stop_requested(impl_->options.stop)) {
            result.reason = StopReason::Interrupt;
            break;
        }
        if (state.pending) {
            try {
                impl_->stepper.feed(state, std::span(&state.tokens.back(), 1), run::Compute::Phase::Decode);
            } catch (const run::Interrupted &) {
                result.reason = StopReason::Interrupt;
                break;
            }
            state.pending = false;
            ++result.decode_steps;
        }
        const Token token = sampler.sample(state.logits);
        state.tokens.push_back(token);
        state.pending = true;
        if (vocabulary.is_end_of_generation(token)) {
            result.reason = StopReason::EndOfGeneration;
            break;
        }
        result.tokens.push_back(token);
        if (!output.push(vocabulary.piece(token))) {
            result.reason = output.stopped() ? StopReason::StopString : StopReason::Interrupt;
            break;
        }
    }
    output.finish();
    result.text = output.take_text();
    result.predicted_ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
    return result;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

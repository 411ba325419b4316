#include <algorithm>
#include <chrono>
#include <memory>
#include <new>
#include <vector>

#include "base/out_of_memory.h"
#include "run/logits.h"
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

/// One sequence's answer while it is generated.
class Answer {
public:
    Answer(const text::Vocabulary & vocabulary, const GenerateRequest & request, std::uint32_t context)
        : vocabulary_(vocabulary),
          request_(request),
          context_(context),
          sampler_(vocabulary, request.options.sampling, sequence().tokens),
          output_(request.options.stop, request.on_text) {
        end_where_full();
    }

    [[nodiscard]] Sequence::Impl & sequence() { return Internals::of(*request_.sequence); }
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] std::uint64_t tokens() const { return result_.tokens.size(); }
    /// That it may have; once it has ended, that it has.
    [[nodiscard]] std::uint64_t most_tokens() const {
        const auto left = context_ - std::min<std::uint64_t>(context_, request_.sequence->tokens().size());
        const std::int64_t asked = request_.options.max_tokens;
        return ended_      ? tokens()
               : asked < 0 ? tokens() + left
                           : std::min<std::uint64_t>(static_cast<std::uint64_t>(asked), tokens() + left);
    }

    /// The pending token has its row, and the logits are those after it.
    void stepped() {
        sequence().pending = false;
        ++result_.decode_steps;
    }
    /// The next token from the logits.
    void sample() {
        Sequence::Impl & state = sequence();
        const std::optional<Token> drawn = sampler_.sample(state.logits);
        if (!drawn) {
            end(StopReason::NothingAllowed);
            return;
        }
        const Token token = *drawn;
        state.tokens.push_back(token);
        state.pending = true;
        std::optional<ScoredToken> scores;
        if (request_.options.logprobs) {
            scores = run::score(state.logits, token, *request_.options.logprobs);
        }
        std::string piece;
        if (vocabulary_.is_end_of_generation(token)) {
            end(StopReason::EndOfGeneration);
        } else {
            piece = vocabulary_.piece(token);
            result_.tokens.push_back(token);
            if (!output_.push(piece)) {
                end(output_.stopped() ? StopReason::StopString : StopReason::Interrupt);
            } else {
                end_where_full();
            }
        }
        tell(token, piece, scores);
        if (scores && result_.scores.size() < result_.tokens.size()) {
            result_.scores.push_back(std::move(*scores));
        }
    }
    void end(StopReason reason) {
        ended_ = true;
        output_.finish();
        result_.reason = reason;
        result_.predicted_ms = std::chrono::duration<double, std::milli>(Clock::now() - begin_).count();
    }
    [[nodiscard]] Generation take() {
        result_.text = output_.take_text();
        return std::move(result_);
    }

private:
    using Clock = std::chrono::steady_clock;

    void tell(Token token, std::string_view piece, const std::optional<ScoredToken> & scores) {
        if (!request_.on_token) {
            return;
        }
        const TokenEvent event{.token = token,
                               .piece = piece,
                               .scores = scores ? &*scores : nullptr,
                               .reason = ended_ ? std::optional(result_.reason) : std::nullopt};
        if (!request_.on_token(event) && !ended_) {
            end(StopReason::Interrupt);
        }
    }
    void end_where_full() {
        const std::int64_t most = request_.options.max_tokens;
        if ((most >= 0 && result_.tokens.size() >= static_cast<std::uint64_t>(most)) ||
            sequence().tokens.size() >= context_) {
            end(StopReason::Length);
        }
    }

    const text::Vocabulary & vocabulary_;
    const GenerateRequest & request_;
    std::uint32_t context_;
    run::Sampler sampler_;
    Output output_;
    Generation result_;
    Clock::time_point begin_ = Clock::now();
    bool ended_ = false;
};

}  // namespace

std::vector<Generation> Session::generate(std::span<const GenerateRequest> requests, const CallOptions & call) try {
    const Impl::Call under_way(*impl_, call);
    const Telling tell(call);
    const text::Vocabulary vocabulary = Internals::of(impl_->model)->vocabulary.obeying(call);
    std::vector<Sequence *> sequences;
    for (const GenerateRequest & request : requests) {
        sequences.push_back(request.sequence);
    }
    impl_->check_several(sequences);
    std::vector<std::unique_ptr<Answer>> answers;
    for (const GenerateRequest & request : requests) {
        Internals::of(*request.sequence).tree.reset();
        answers.push_back(std::make_unique<Answer>(vocabulary, request, impl_->options.context));
    }
    while (true) {
        std::vector<Answer *> going;
        std::vector<run::Feed> pending;
        for (const auto & answer : answers) {
            if (!answer->ended()) {
                going.push_back(answer.get());
                if (answer->sequence().pending) {
                    pending.push_back({&answer->sequence(), std::span(&answer->sequence().tokens.back(), 1)});
                }
            }
        }
        if (going.empty()) {
            break;
        }
        bool stopped = impl_->compute.stop().requested();
        if (!stopped) {
            try {
                impl_->step(std::move(pending), [&](const run::Feed & fed) {
                    for (Answer * answer : going) {
                        if (&answer->sequence() == fed.sequence) {
                            answer->stepped();
                        }
                    }
                });
            } catch (const run::Interrupted &) {
                stopped = true;
            }
        }
        std::for_each(going.begin(), going.end(),
                      [&](Answer * answer) { stopped ? answer->end(StopReason::Interrupt) : answer->sample(); });
        if (tell) {
            std::uint64_t taken = 0;
            std::uint64_t most = 0;
            for (const auto & answer : answers) {
                taken += answer->tokens();
                most += answer->most_tokens();
            }
            tell(taken, most);
        }
    }
    std::vector<Generation> results;
    for (const auto & answer : answers) {
        results.push_back(answer->take());
    }
    return results;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

Generation Session::generate(Sequence & sequence, const GenerateOptions & options,
                             const std::function<bool(std::string_view)> & on_text, const CallOptions & call) {
    const GenerateRequest request{&sequence, options, on_text};
    return std::move(generate({&request, 1}, call).front());
}

}  // namespace snapkv

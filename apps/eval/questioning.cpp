#include "eval/questioning.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "eval/pieces.h"

namespace snapkv::eval {

namespace {

std::int64_t answer_tokens(const Sample & sample, const AskOptions & options) {
    constexpr std::int64_t kUsual = 128;
    const std::int64_t of_sample = sample.max_tokens > 0 ? sample.max_tokens : kUsual;
    return options.max_tokens > 0 ? options.max_tokens : of_sample;
}

Prompt make_prompt(const Model & model, const Sample & sample, const AskOptions & options) {
    Prompt prompt = options.raw ? model.raw_prompt(sample.document, sample.question)
                                : model.chat_prompt(sample.document, sample.question, "");
    if (options.answer_prefix && !sample.answer_prefix.empty()) {
        const bool had_question = prompt.has_question();
        const std::vector<Token> prefix = model.tokenize(sample.answer_prefix, false, false);
        prompt.tokens.insert(prompt.tokens.end(), prefix.begin(), prefix.end());
        if (!had_question) {
            prompt.question_begin = prompt.tokens.size();
        }
    }
    return prompt;
}

bool stopped(const Session & session) {
    const std::atomic<bool> * stop = session.options().stop;
    return stop != nullptr && stop->load();
}

/// One run of ask().
class Asking {
public:
    Asking(Session & session, std::span<const Sample * const> samples, std::span<const Variant> variants,
           const AskOptions & options, const std::function<void(const Answered &)> & answered)
        : session_(session), samples_(samples), variants_(variants), options_(options), answered_(answered) {
        asked_ = make_prompts(session.model(), samples, options, session.context());
    }

    bool run(const std::function<void(const CallProgress &)> & progress) {
        return options_.hide_question ? ask_hidden(progress) : ask_seen(progress);
    }

private:
    bool ask_seen(const std::function<void(const CallProgress &)> & progress) {
        std::vector<Branch> branches;
        for (const Asked & asked : asked_) {
            for (const Variant & variant : variants_) {
                branches.push_back({asked.prompt, variant.cache});
            }
        }
        const std::span<const Branch> all(branches);
        return in_pieces(
            0, all.size(),
            [&](std::size_t first, std::size_t last) {
                return session_.prefill(all.subspan(first, last - first), {}, {.progress = progress});
            },
            [&](std::size_t first, PrefillResult done) { return answer_all(std::move(done), first); });
    }

    /// `first`: the number of the first sequence's branch among all, sample after sample.
    bool answer_all(PrefillResult done, std::size_t first) {
        for (std::size_t i = 0; i < done.sequences.size(); ++i) {
            // Moved out, so that its rows go when it is done.
            Sequence sequence = std::move(done.sequences[i]);
            const std::size_t number = first + i;
            if (!answer(sequence, number / variants_.size(), number % variants_.size(), done.stats.prompt_ms)) {
                return false;
            }
        }
        return !done.stats.interrupted;
    }

    /// The tokens before any question, which all prompts share.
    [[nodiscard]] std::size_t document_tokens() const {
        const Prompt & first = asked_.front().prompt;
        std::size_t count = first.tokens.size();
        for (const Asked & asked : asked_) {
            const std::vector<Token> & tokens = asked.prompt.tokens;
            const std::size_t most = std::min(count, asked.prompt.question_begin);
            const auto [end, ignored] =
                std::mismatch(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(most), first.tokens.begin());
            count = static_cast<std::size_t>(end - tokens.begin());
        }
        return count;
    }

    /// What follows the document in each prompt is read against what its vote kept.
    bool ask_hidden(const std::function<void(const CallProgress &)> & progress) {
        const std::size_t document = document_tokens();
        std::vector<Branch> branches;
        for (const Variant & variant : variants_) {
            Branch & branch = branches.emplace_back(Branch{asked_.front().prompt, variant.cache});
            branch.prompt.tokens.resize(document);
            branch.prompt.question_begin = document;
        }
        PrefillResult done = session_.prefill(branches, {}, {.progress = progress});
        for (std::size_t i = 0; i < done.sequences.size(); ++i) {
            const Sequence kept = std::move(done.sequences[i]);
            for (std::size_t sample = 0; sample < asked_.size(); ++sample) {
                Sequence sequence = kept.fork();
                const std::vector<Token> & tokens = asked_[sample].prompt.tokens;
                const auto rest = std::span(tokens).subspan(document);
                if (!rest.empty() && session_.append(sequence, rest).interrupted) {
                    return false;
                }
                if (!answer(sequence, sample, i, done.stats.prompt_ms)) {
                    return false;
                }
            }
        }
        return !done.stats.interrupted;
    }

    bool answer(Sequence & sequence, std::size_t sample, std::size_t variant, double prefill_ms) {
        GenerateOptions generate;
        generate.max_tokens = answer_tokens(*samples_[sample], options_);
        Answered result;
        result.generation = session_.generate(sequence, generate);
        if (result.generation.reason == StopReason::Interrupt || stopped(session_)) {
            return false;
        }
        result.sample = sample;
        result.variant = variant;
        result.prompt_tokens = asked_[sample].prompt.tokens.size();
        result.dropped = asked_[sample].dropped;
        result.cache = sequence.cache_stats();
        result.prefill_ms = prefill_ms;
        answered_(result);
        return true;
    }

    Session & session_;
    std::span<const Sample * const> samples_;
    std::span<const Variant> variants_;
    const AskOptions & options_;
    const std::function<void(const Answered &)> & answered_;
    std::vector<Asked> asked_;
};

}  // namespace

std::vector<Asked> make_prompts(const Model & model, std::span<const Sample * const> samples,
                                const AskOptions & options, std::uint32_t context) {
    std::vector<Prompt> prompts;
    std::size_t over = 0;
    for (const Sample * sample : samples) {
        prompts.push_back(make_prompt(model, *sample, options));
        const auto answer = static_cast<std::size_t>(answer_tokens(*sample, options));
        const std::size_t needed = prompts.back().tokens.size() + answer;
        over = std::max(over, needed > context ? needed - context : 0);
    }
    if (over > 0) {
        truncate_middle(prompts, over);
    }
    std::vector<Asked> asked;
    for (Prompt & prompt : prompts) {
        asked.push_back({std::move(prompt), over});
    }
    return asked;
}

bool ask(Session & session, std::span<const Sample * const> samples, std::span<const Variant> variants,
         const AskOptions & options, const std::function<void(const CallProgress &)> & progress,
         const std::function<void(const Answered &)> & answered) {
    return Asking(session, samples, variants, options, answered).run(progress);
}

}  // namespace snapkv::eval

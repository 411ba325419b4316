#include "eval/fidelity.h"

#include <algorithm>
#include <utility>

namespace snapkv::eval {

namespace {

/// The full cache's generation, token by token.
struct Reference {
    std::string text;
    std::vector<Token> tokens;
    std::vector<std::vector<double>> after;  ///< each token: the distribution of the next
};

/// Ends an interrupted run.
struct Stopped {};

Reference generate(Session & session, Sequence & sequence, std::uint32_t count) {
    Reference reference;
    GenerateOptions one;
    one.max_tokens = 1;
    while (reference.tokens.size() < count) {
        const Generation step = session.generate(sequence, one);
        if (step.reason == StopReason::Interrupt) {
            throw Stopped();
        }
        if (step.tokens.empty()) {
            break;
        }
        // The sampled token has no row yet; reading on from nothing gives it one.
        if (session.append(sequence, {}).interrupted) {
            throw Stopped();
        }
        reference.tokens.push_back(step.tokens.front());
        reference.text += session.model().piece(step.tokens.front());
        reference.after.push_back(log_softmax(sequence.logits()));
    }
    return reference;
}

NextToken score(Session & session, Sequence & sequence, const Reference & reference) {
    NextToken next;
    for (std::size_t i = 0; i + 1 < reference.tokens.size(); ++i) {
        if (session.append(sequence, std::span(&reference.tokens[i], 1)).interrupted) {
            throw Stopped();
        }
        next.add(log_softmax(sequence.logits()), reference.after[i], reference.tokens[i + 1]);
    }
    return next;
}

std::string answer(Session & session, Sequence sequence, std::uint32_t count) {
    GenerateOptions options;
    options.max_tokens = count;
    Generation generation = session.generate(sequence, options);
    if (generation.reason == StopReason::Interrupt) {
        throw Stopped();
    }
    return std::move(generation.text);
}

}  // namespace

std::optional<Fidelity> follow(Session & session, const Prompt & prompt, std::span<const Variant> variants,
                               const FollowOptions & options,
                               const std::function<void(const CallProgress &)> & progress) {
    CacheConfig full;
    full.policy = Policy::Full;
    Prompt seen = prompt;
    if (options.hide_question) {
        seen.tokens.resize(std::min(prompt.question_begin, prompt.tokens.size()));
    }
    const auto hidden = std::span(prompt.tokens).subspan(seen.tokens.size());
    std::vector<Branch> branches{{seen, full}};
    for (const Variant & variant : variants) {
        branches.push_back({seen, variant.cache});
    }
    PrefillResult done = session.prefill(branches, {}, {.progress = progress});
    if (done.stats.interrupted) {
        return std::nullopt;
    }
    try {
        for (Sequence & sequence : done.sequences) {
            if (!hidden.empty() && session.append(sequence, hidden).interrupted) {
                throw Stopped();
            }
        }
        const Reference reference = generate(session, done.sequences.front(), options.tokens);
        Fidelity fidelity{.answer = reference.text, .tokens = reference.tokens.size(), .variants = {}};
        for (std::size_t i = 0; i < variants.size(); ++i) {
            Sequence sequence = std::move(done.sequences[i + 1]);
            Followed & followed = fidelity.variants.emplace_back();
            followed.cache = sequence.cache_stats();
            if (options.answers) {
                followed.answer = answer(session, sequence.fork(), options.tokens);
            }
            followed.next = score(session, sequence, reference);
            followed.cache.evicted = sequence.cache_stats().evicted;
        }
        return fidelity;
    } catch (const Stopped &) {
        return std::nullopt;
    }
}

}  // namespace snapkv::eval

#include "eval/observing.h"

#include <cassert>
#include <utility>

namespace snapkv::eval {

std::optional<std::vector<std::vector<Token>>> continued(Session & session, std::span<const Prompt> prompts,
                                                         std::uint32_t count, const OnPrefill & progress) {
    CacheConfig full;
    full.policy = Policy::Full;
    std::vector<Branch> branches;
    for (const Prompt & prompt : prompts) {
        branches.push_back({prompt, full});
    }
    PrefillResult done = session.prefill(branches, {}, {.progress = progress});
    if (done.stats.interrupted) {
        return std::nullopt;
    }
    GenerateOptions options;
    options.max_tokens = count;
    std::vector<std::vector<Token>> texts;
    for (Sequence & each : done.sequences) {
        Sequence sequence = std::move(each);
        const std::size_t prompt = sequence.tokens().size();
        const Generation generation = session.generate(sequence, options);
        if (generation.reason == StopReason::Interrupt) {
            return std::nullopt;
        }
        const std::span<const Token> tokens = sequence.tokens().first(prompt + generation.tokens.size());
        texts.emplace_back(tokens.begin(), tokens.end());
    }
    return texts;
}

bool look(Session & session, std::span<const std::vector<Token>> texts, std::span<const Observer> observers,
          const OnPrefill & progress) {
    assert(texts.size() == observers.size());
    CacheConfig least;
    least.budget = {Budget::Unit::Rows, 2};
    least.window = 1;
    std::vector<Branch> branches;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        Branch & branch = branches.emplace_back();
        branch.prompt.tokens = texts[i];
        branch.prompt.question_begin = texts[i].size();
        branch.cache = least;
        branch.observer = observers[i];
    }
    return !session.prefill(branches, {}, {.progress = progress}).stats.interrupted;
}

}  // namespace snapkv::eval

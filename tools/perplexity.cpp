#include "snapkv/tools/perplexity.h"

#include <cmath>
#include <new>
#include <optional>
#include <span>
#include <vector>

#include "base/out_of_memory.h"
#include "base/raise.h"

namespace snapkv {

namespace {

constexpr std::uint32_t kLeastChunk = 4;  // tokens: with fewer, next to nothing would be scored

/// Those behind the first half are scored; what the last one foretells lies beyond the chunk.
Branch full_cache_chunk(std::span<const Token> tokens) {
    Branch branch;
    branch.prompt.tokens.assign(tokens.begin(), tokens.end());
    branch.prompt.question_begin = branch.prompt.tokens.size();
    branch.cache.policy = Policy::Full;
    branch.scoring.tokens = static_cast<std::uint32_t>(tokens.size() - tokens.size() / 2 - 1);
    return branch;
}

/// The text's tokens; nothing once the tokenizer is stopped.
std::optional<std::vector<Token>> tokens_of(const Model & model, std::string_view text, const CallOptions & call) try {
    std::vector<Token> tokens = model.tokenize(text, true, false, {.stop = call.stop, .deadline = call.deadline});
    if (model.info().text_end) {
        tokens.pop_back();  // the text goes on after the last chunk
    }
    return tokens;
} catch (const Error & error) {
    if (error.kind() != ErrorKind::Interrupted) {
        throw;
    }
    return std::nullopt;
}

}  // namespace

PerplexityResult perplexity(Session & session, std::string_view text, std::uint32_t context,
                            const std::function<void(std::uint32_t, std::uint32_t, double)> & chunk_done,
                            const CallOptions & call) try {
    if (context < kLeastChunk) {
        raise_usage("-c is {}, expected at least {} tokens", context, kLeastChunk);
    }
    if (context > session.context()) {
        raise_usage("-c is {}, expected at most the session's {} tokens", context, session.context());
    }
    const std::optional<std::vector<Token>> tokens = tokens_of(session.model(), text, call);
    if (!tokens) {
        return {.interrupted = true};
    }
    const auto chunks = static_cast<std::uint32_t>(tokens->size() / context);
    if (chunks == 0) {
        raise_input("the text has {} tokens, fewer than one chunk of {}", tokens->size(), context);
    }
    PerplexityResult result;
    double total = 0;
    for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
        const auto of_chunk = std::span(*tokens).subspan(std::size_t{chunk} * context, context);
        Branch branch = full_cache_chunk(of_chunk);
        branch.prompt.tokens.front() = session.model().info().text_begin.value_or(of_chunk.front());
        const PrefillResult prefilled = session.prefill({&branch, 1}, {}, call);
        if (prefilled.stats.interrupted) {
            result.interrupted = true;
            break;
        }
        for (const ScoredToken & scored : prefilled.scores.front()) {
            total -= double{scored.logprob};
        }
        result.tokens += prefilled.scores.front().size();
        result.chunks = chunk + 1;
        result.perplexity = std::exp(total / static_cast<double>(result.tokens));
        if (chunk_done) {
            chunk_done(result.chunks, chunks, result.perplexity);
        }
    }
    return result;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

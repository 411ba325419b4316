#include <algorithm>
#include <cmath>
#include <new>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "llama.h"
#include "run/logits.h"
#include "run/session_impl.h"
#include "text/utf8.h"

namespace snapkv {

namespace {

constexpr std::uint32_t kLeastChunk = 4;  // tokens: with fewer, next to nothing would be scored

/// -log softmax(logits)[token] in double precision.
double negative_log_likelihood(std::span<const float> logits, Token token) {
    const float maximum = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float x : logits) {
        sum += std::exp(static_cast<double>(x) - maximum);
    }
    return std::log(sum) - (static_cast<double>(logits[static_cast<std::size_t>(token)]) - maximum);
}

Branch full_cache_chunk(std::span<const Token> tokens) {
    Branch branch;
    branch.prompt.tokens.assign(tokens.begin(), tokens.end());
    branch.prompt.question_begin = branch.prompt.tokens.size();
    branch.cache.policy = Policy::Full;
    return branch;
}

}  // namespace

PerplexityResult Session::perplexity(std::string_view text, std::uint32_t context,
                                     const std::function<void(std::uint32_t, std::uint32_t, double)> & progress) try {
    const text::Vocabulary & vocabulary = Internals::of(impl_->model)->vocabulary;
    text::require_utf8(text, "text");
    if (context < kLeastChunk) {
        raise_usage("-c is {}, expected at least {} tokens", context, kLeastChunk);
    }
    if (context > impl_->options.context) {
        raise_usage("-c is {}, expected at most the session's {} tokens", context, impl_->options.context);
    }
    std::vector<Token> tokens;
    try {
        tokens = vocabulary.tokenize(text, true, false);
    } catch (const Error & error) {
        if (error.kind() != ErrorKind::Interrupted) {
            throw;
        }
        return {.interrupted = true};
    }
    if (llama_vocab_get_add_eos(vocabulary.raw())) {
        tokens.pop_back();  // the text goes on after the last chunk
    }
    const auto chunks = static_cast<std::uint32_t>(tokens.size() / context);
    if (chunks == 0) {
        raise_input("the text has {} tokens, fewer than one chunk of {}", tokens.size(), context);
    }
    const std::uint32_t first_scored = context / 2;
    const std::uint32_t vocabulary_size = impl_->params().vocabulary;
    PerplexityResult result;
    double total = 0;
    for (std::uint32_t chunk = 0; chunk < chunks; ++chunk) {
        Branch branch = full_cache_chunk(std::span(tokens).subspan(std::size_t{chunk} * context, context));
        if (vocabulary.adds_bos()) {
            branch.prompt.tokens.front() = llama_vocab_bos(vocabulary.raw());
        }
        run::PrefillPlan plan = run::plan_prefill({&branch, 1}, impl_->params(), context + 1);
        plan.branches.front().output_rows = context - first_scored;
        const auto score = [&](std::size_t, std::uint32_t first, std::uint32_t rows, const float * logits) {
            // The last position predicts beyond the chunk.
            for (std::uint32_t row = 0; row < rows && first + row + 1 < context; ++row) {
                const std::span<const float> of_row(logits + std::size_t{row} * vocabulary_size, vocabulary_size);
                run::check_logits(of_row);
                total += negative_log_likelihood(of_row, branch.prompt.tokens[first + row + 1]);
                ++result.tokens;
            }
        };
        try {
            const run::RunMemory memory(*impl_->arena, impl_->work);
            Reservation reservation = run::reserve_memory(*impl_, plan, memory.taken);
            run::Prefill prefill(impl_->environment(memory), plan, score);
            for (bool first = true; prefill.advance(); first = false) {
                reservation.reduce(first ? prefill.compute_bytes() : 0);
            }
        } catch (const run::Interrupted &) {
            result.interrupted = true;
            break;
        }
        result.chunks = chunk + 1;
        result.perplexity = std::exp(total / static_cast<double>(result.tokens));
        if (progress) {
            progress(result.chunks, chunks, result.perplexity);
        }
    }
    return result;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

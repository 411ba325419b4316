#include "parity/engine.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace snapkv::test {

Branch full_branch(std::span<const Token> tokens, KvType type) {
    Branch branch;
    branch.prompt.tokens.assign(tokens.begin(), tokens.end());
    branch.prompt.question_begin = tokens.size();
    branch.cache.policy = Policy::Full;
    branch.cache.type = type;
    return branch;
}

std::vector<float> prefill_logits(Session::Impl & engine, std::span<const Token> tokens, KvType type) {
    const Branch branch = full_branch(tokens, type);
    run::PrefillPlan plan = run::plan_prefill({&branch, 1}, engine.params(), engine.options.context);
    plan.branches.front().output_rows = static_cast<std::uint32_t>(tokens.size());
    const std::size_t vocabulary = engine.params().vocabulary;
    std::vector<float> all(tokens.size() * vocabulary);
    const run::RunMemory memory(*engine.arena, engine.work);
    run::Prefill prefill(engine.environment(memory, engine.prefill_allocator), plan,
                         [&](std::size_t, std::uint32_t first, std::uint32_t rows, const float * logits) {
                             std::copy_n(logits, rows * vocabulary,
                                         all.begin() + static_cast<std::ptrdiff_t>(first * vocabulary));
                         });
    while (prefill.advance()) {
    }
    return all;
}

std::vector<float> step_logits(Session & session, std::span<const Token> tokens, std::size_t prefilled, KvType type) {
    const Branch branch = full_branch(tokens.first(prefilled), type);
    Sequence sequence = std::move(session.prefill({&branch, 1}).sequences.front());
    std::vector<float> all(sequence.logits().begin(), sequence.logits().end());
    for (const Token token : tokens.subspan(prefilled)) {
        session.append(sequence, {&token, 1});
        all.insert(all.end(), sequence.logits().begin(), sequence.logits().end());
    }
    return all;
}

double normalised_error(std::span<const float> found, std::span<const float> expected) {
    if (found.size() != expected.size()) {
        return std::numeric_limits<double>::infinity();
    }
    double error = 0;
    double norm = 0;
    for (std::size_t index = 0; index < found.size(); ++index) {
        const double difference = static_cast<double>(found[index]) - expected[index];
        error += difference * difference;
        norm += static_cast<double>(expected[index]) * expected[index];
    }
    return error / norm;
}

}  // namespace snapkv::test

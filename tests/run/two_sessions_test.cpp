#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "run/tiny_run.h"
#include "support/sanitizers.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

/// What a session came to.
struct Outcome {
    std::vector<Token> answer;
    std::vector<float> logits;
    KeptPositions kept;
    std::vector<float> scores;
};

/// Most of what a session does: prompts, an answer, a further turn, a cache saved and loaded.
Outcome use(const Model & model, std::uint32_t seed) {
    const test::TemporaryFolder folder;
    Session session(model, {.threads = 1, .batch = 64});
    const std::array branches{
        test::branch_of(test::random_tokens(300, seed), test::snapkv_cache(64, 16, KvType::F16)),
        test::branch_of(test::joined(test::random_tokens(300, seed), test::random_tokens(20, seed + 1)),
                        test::full_cache(KvType::BF16))};
    PrefillResult done = session.prefill(branches);
    Sequence & sequence = done.sequences.front();
    Outcome outcome;
    outcome.answer = test::greedy(session, sequence, 8);
    session.append(done.sequences.back(), session.turn_tokens(done.sequences.back(), "and then?", true));
    EXPECT_TRUE(session.save(sequence, folder.path() / "cache"));
    Sequence loaded = session.load(folder.path() / "cache");
    session.append(loaded, test::random_tokens(70, seed + 2));
    outcome.logits.assign(loaded.logits().begin(), loaded.logits().end());
    outcome.logits.insert(outcome.logits.end(), done.sequences.back().logits().begin(),
                          done.sequences.back().logits().end());
    outcome.kept = loaded.kept_positions();
    Branch scored = test::branch_of(test::random_tokens(90, seed + 4), test::full_cache());
    scored.scoring.tokens = 70;
    const PrefillResult scores = session.prefill({&scored, 1});
    for (const ScoredToken & token : scores.scores.front()) {
        outcome.scores.push_back(token.logprob);
    }
    return outcome;
}

void expect_same(const Outcome & one, const Outcome & other) {
    EXPECT_EQ(one.answer, other.answer);
    EXPECT_TRUE(test::same_bits(one.logits, other.logits));
    EXPECT_EQ(one.kept, other.kept);
    EXPECT_EQ(one.scores, other.scores);
}

// What the header promises: a model serves any number of sessions and threads at once. The thread sanitizer watches.
TEST(TwoSessions, OfOneModelDoNotDisturbEachOther) {
    const test::TinyRun run;
    const std::array alone{use(run.model, 11), use(run.model, 22)};
    if (test::kSanitized) {  // its allocator may be locked for good in the process that renders the template
        static_cast<void>(run.model.chat_prompt("some text", "a question"));
    }
    for (int repeat = 0; repeat < 3; ++repeat) {
        std::array<Outcome, 2> together;
        std::atomic<bool> done{false};
        std::thread first([&] { together[0] = use(run.model, 11); });
        std::thread second([&] { together[1] = use(run.model, 22); });
        std::thread reader([&] {
            const std::string hash = run.model.hash();
            while (!done) {
                const Prompt prompt = run.model.chat_prompt("some text", "a question");
                EXPECT_EQ(run.model.piece(prompt.tokens.back()), run.model.piece(prompt.tokens.back()));
                EXPECT_EQ(run.model.hash(), hash);
            }
        });
        first.join();
        second.join();
        done = true;
        reader.join();
        expect_same(together[0], alone[0]);
        expect_same(together[1], alone[1]);
    }
}

}  // namespace
}  // namespace snapkv

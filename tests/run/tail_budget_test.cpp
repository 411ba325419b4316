// CacheConfig::tail_budget: of what comes after the prompt the last rows are held.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "run/loaded_family.h"
#include "run/sequence_impl.h"
#include "run/tiny_run.h"
#include "snapkv/error.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

CacheConfig bounded(Policy policy, std::uint32_t tail) {
    CacheConfig cache = test::policy_cache(policy, 40);
    cache.tail_budget = tail;
    return cache;
}

/// Of a prompt of `prompt` tokens what was kept of it, then the last `tail` positions of `end`.
std::vector<Position> expected_rows(std::vector<Position> kept, std::uint32_t prompt, std::uint32_t end,
                                    std::uint32_t tail) {
    const std::uint32_t count = std::min(tail, end - prompt);
    const std::vector<Position> last = positions_from(Position{end - count}, count);
    kept.insert(kept.end(), last.begin(), last.end());
    return kept;
}

void feed_one_by_one(Session & session, Sequence & sequence, std::span<const Token> tokens) {
    for (const Token & token : tokens) {
        session.append(sequence, std::span(&token, 1));
    }
}

TEST(TailBudget, HoldsTheLastRowsAsTheNaiveModelDoes) {
    const test::TinyRun run;
    for (const Policy policy : {Policy::SnapKV, Policy::Full}) {
        Session session = run.session(64);
        Sequence sequence =
            test::prefill_one(session, test::branch_of(test::random_tokens(90, 1), bounded(policy, 21)));
        const KeptPositions of_prompt = sequence.kept_positions();
        test::NaiveModel naive = run.naive();
        naive.feed(sequence.tokens());
        std::uint32_t end = 90;
        for (const Token & token : test::random_tokens(60, 2)) {
            naive.keep(sequence.kept_positions());
            session.append(sequence, std::span(&token, 1));
            naive.feed(std::span(&token, 1));
            EXPECT_LT(test::nmse(sequence.logits(), naive.last_logits()), 1e-6) << end;
            ++end;
            const KeptPositions kept = sequence.kept_positions();
            for (std::size_t layer = 0; layer < kept.size(); ++layer) {
                for (std::size_t head = 0; head < kept[layer].size(); ++head) {
                    ASSERT_EQ(kept[layer][head], expected_rows(of_prompt[layer][head], 90, end, 21));
                }
            }
        }
        EXPECT_EQ(sequence.cache_stats().evicted, (60U - 21U) * of_prompt.size() * of_prompt[0].size());
    }
}

class TailBudgetOf : public ::testing::TestWithParam<const char *> {};

TEST_P(TailBudgetOf, LeavesSlidingLayersAloneAndGoesWithForksFilesAndOtherSequences) {
    const test::LoadedFamily family(GetParam(), 4096);
    Session session = family.session();
    const std::vector<Token> prompt = test::random_tokens(100, 3);
    Sequence sequence = test::prefill_one(session, test::branch_of(prompt, bounded(Policy::SnapKV, 33)));
    Sequence whole = test::prefill_one(session, test::branch_of(prompt, test::policy_cache(Policy::SnapKV, 40)));
    const KeptPositions of_prompt = sequence.kept_positions();
    const std::vector<Token> more = test::random_tokens(300, 4);
    feed_one_by_one(session, sequence, more);
    feed_one_by_one(session, whole, more);
    const KeptPositions kept = sequence.kept_positions();
    const KeptPositions all = whole.kept_positions();
    bool bounds = false;
    for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
        const bool slides = Internals::of(sequence).rows.tail.window(layer) > 0;
        for (std::size_t head = 0; head < kept[layer].size(); ++head) {
            bounds = bounds || !slides;
            EXPECT_EQ(kept[layer][head],
                      slides ? all[layer][head] : expected_rows(of_prompt[layer][head], 100, 400, 33));
        }
    }
    EXPECT_TRUE(bounds);

    const test::TemporaryFolder folder;
    ASSERT_TRUE(session.save(sequence, folder.path() / "cache"));
    Sequence loaded = session.load(folder.path() / "cache");
    Sequence fork = sequence.fork();
    EXPECT_EQ(loaded.kept_positions(), kept);
    EXPECT_EQ(loaded.cache_stats().evicted, sequence.cache_stats().evicted);
    std::vector<Sequence *> together{&fork, &loaded, &whole};
    for (const Token token : test::random_tokens(20, 5)) {
        session.append(sequence, std::span(&token, 1));
        const std::vector<Token> tokens(together.size(), token);
        session.step(together, tokens);
        EXPECT_TRUE(test::same_bits(fork.logits(), sequence.logits()));
        EXPECT_TRUE(test::same_bits(loaded.logits(), sequence.logits()));
    }
    EXPECT_EQ(fork.kept_positions(), sequence.kept_positions());
    EXPECT_EQ(loaded.kept_positions(), sequence.kept_positions());
}

TEST_P(TailBudgetOf, ALongMessageIsReadInPiecesAndLeavesAsManyRows) {
    const test::LoadedFamily family(GetParam(), 4096);
    Session session = family.session();
    Sequence sequence =
        test::prefill_one(session, test::branch_of(test::random_tokens(100, 3), bounded(Policy::SnapKV, 33)));
    const KeptPositions of_prompt = sequence.kept_positions();
    session.append(sequence, test::random_tokens(700, 6));
    for (std::uint32_t layer = 0; layer < of_prompt.size(); ++layer) {
        if (Internals::of(sequence).rows.tail.window(layer) == 0) {
            for (std::size_t head = 0; head < of_prompt[layer].size(); ++head) {
                EXPECT_EQ(sequence.kept_positions()[layer][head], expected_rows(of_prompt[layer][head], 100, 800, 33));
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Families, TailBudgetOf,
                         ::testing::Values("llama", "gemma3", "gpt-oss", "deepseek2", "qwen35moe"),
                         [](const auto & param) {
                             std::string name = param.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

TEST(TailBudget, IsCutAsIfWhatIsGoneHadNeverComeOrNotAtAll) {
    const test::LoadedFamily family("llama", 4096);
    Session session = family.session();
    const Sequence prompt =
        test::prefill_one(session, test::branch_of(test::random_tokens(100, 3), bounded(Policy::SnapKV, 33)));
    const std::vector<Token> more = test::random_tokens(700, 4);
    Sequence sequence = prompt.fork();
    feed_one_by_one(session, sequence, more);
    for (const std::size_t left : {650U, 600U}) {
        Sequence cut = sequence.fork();
        cut.truncate(100 + left);
        Sequence expected = prompt.fork();
        feed_one_by_one(session, expected, std::span(more).first(left));
        session.append(cut, {});  // the last token by itself, as it was fed before
        const Token next = 3;
        session.append(cut, std::span(&next, 1));
        feed_one_by_one(session, expected, std::span(&next, 1));
        EXPECT_EQ(cut.kept_positions(), expected.kept_positions());
        EXPECT_EQ(cut.cache_stats().evicted, expected.cache_stats().evicted);
        EXPECT_LT(test::nmse(cut.logits(), expected.logits()), 1e-6);
    }
    EXPECT_EQ(test::error_of(ErrorKind::Usage, [&] { sequence.truncate(200); }),
              "the sequence cannot be cut to 200 tokens: its tail has let go of what these saw; 390 is the least");
}

TEST(TailBudget, HoldsAFixedNumberOfBlocks) {
    const test::LoadedFamily family("llama", 8192);
    Session session = family.session();
    Sequence sequence =
        test::prefill_one(session, test::branch_of(test::random_tokens(100, 3), bounded(Policy::SnapKV, 33)));
    feed_one_by_one(session, sequence, test::random_tokens(600, 4));
    const auto alive = [&] { return Internals::of(sequence).arena->meter().alive(); };
    const std::uint64_t before = alive();
    feed_one_by_one(session, sequence, test::random_tokens(1024, 5));
    EXPECT_EQ(alive(), before);
}

TEST(TailBudget, RefusesWhatCannotBe) {
    const test::LoadedFamily family("llama", 4096);
    Session session = family.session();
    EXPECT_EQ(test::error_of(ErrorKind::Usage,
                             [&] {
                                 test::prefill_one(
                                     session, test::branch_of(test::random_tokens(100, 3), bounded(Policy::SnapKV, 0)));
                             }),
              "cache.tail_budget is 0; expected at least 1 row, or none");
    Sequence sequence =
        test::prefill_one(session, test::branch_of(test::random_tokens(100, 3), bounded(Policy::SnapKV, 33)));
    const std::vector<Token> tokens = test::random_tokens(3, 1);
    const std::vector<std::int32_t> parents{-1, 0, 0};
    EXPECT_EQ(test::error_of(ErrorKind::Usage, [&] { session.step_tree(sequence, tokens, parents); }),
              "tokens are to continue a sequence as a tree, and cache.tail_budget bounds what comes after its prompt; "
              "expected a step for each token");
    session.append(sequence, tokens);
    EXPECT_EQ(
        test::error_of(ErrorKind::Usage,
                       [&] { session.append(sequence, tokens, {.compress = test::policy_cache(Policy::SnapKV, 2)}); }),
        "the turns are to be compressed by a vote, and cache.tail_budget holds the last 33 rows of what comes "
        "after the prompt; expected one of the two");
}

}  // namespace
}  // namespace snapkv

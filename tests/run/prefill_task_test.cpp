// A prefill that rests between its units, shares the session with other work, and loses branches on the way.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "run/loaded_family.h"
#include "run/sequence_impl.h"
#include "run/tiny_run.h"
#include "snapkv/error.h"
#include "support/error_of.h"

namespace snapkv {
namespace {

/// Branches with the trunk as their prompt, with short suffixes and with one that takes several chunks.
std::vector<Branch> branches() {
    const std::vector<Token> trunk = test::random_tokens(150, 1);
    const auto with_suffix = [&](std::size_t suffix, std::uint32_t seed) {
        return test::joined(trunk, test::random_tokens(suffix, seed));
    };
    return {test::branch_of(trunk, test::snapkv_cache(48, 16)),
            test::branch_of(trunk, test::snapkv_cache(40, 16)),
            test::branch_of(trunk, test::full_cache()),
            test::branch_of(with_suffix(9, 2), test::snapkv_cache(48, 24)),
            test::branch_of(with_suffix(150, 3), test::snapkv_cache(48, 16)),
            test::branch_of(with_suffix(20, 4), test::full_cache())};
}

class PrefillTaskOf : public ::testing::TestWithParam<const char *> {
protected:
    std::atomic<bool> stop_{false};
    test::LoadedFamily family_{GetParam()};
    Session session_ = family_.session(&stop_);
    std::vector<Branch> branches_ = branches();

    /// The same logits, rows and next tokens.
    void expect_same(Sequence & found, const Sequence & expected) {
        EXPECT_TRUE(test::same_bits(found.logits(), expected.logits()));
        EXPECT_EQ(found.kept_positions(), expected.kept_positions());
        EXPECT_TRUE(std::ranges::equal(found.tokens(), expected.tokens()));
        Sequence one = found.fork();
        Sequence other = expected.fork();
        EXPECT_EQ(test::greedy(session_, one, 3), test::greedy(session_, other, 3));
        EXPECT_TRUE(test::same_bits(one.logits(), other.logits()));
    }
};

TEST_P(PrefillTaskOf, RestsBetweenAnyTwoUnitsWhileOthersWork) {
    const PrefillResult expected = session_.prefill(branches_);
    const Branch other = test::branch_of(test::random_tokens(70, 9), test::snapkv_cache(32, 8));
    Sequence decoding = test::prefill_one(session_, other);
    PrefillTask task = session_.begin_prefill(branches_);
    std::uint64_t units = 0;
    int advanced = 0;
    while (task.advance()) {
        EXPECT_GE(task.progress().done, units);
        units = task.progress().done;
        test::greedy(session_, decoding, 1);
        if (++advanced % 7 == 0) {
            session_.append(decoding, test::random_tokens(40, 10));
            static_cast<void>(test::prefill_one(session_, other));
        }
    }
    EXPECT_TRUE(task.done());
    EXPECT_FALSE(task.advance());
    EXPECT_EQ(units, task.progress().total);
    EXPECT_GT(advanced, 4 * 8) << "chunks and votes of four layers";
    PrefillResult found = task.take();
    ASSERT_EQ(found.sequences.size(), branches_.size());
    EXPECT_FALSE(found.stats.interrupted);
    for (std::size_t index = 0; index < branches_.size(); ++index) {
        SCOPED_TRACE(index);
        expect_same(found.sequences[index], expected.sequences[index]);
    }
}

TEST_P(PrefillTaskOf, TwoTakeTurns) {
    std::vector<Branch> others{test::branch_of(test::random_tokens(200, 5), test::snapkv_cache(48, 16)),
                               test::branch_of(test::random_tokens(90, 6), test::full_cache())};
    const PrefillResult expected = session_.prefill(branches_);
    const PrefillResult expected_others = session_.prefill(others);
    PrefillTask one = session_.begin_prefill(branches_);
    PrefillTask other = session_.begin_prefill(others);
    while (!one.done() || !other.done()) {
        one.advance();
        other.advance();
    }
    PrefillResult found_others = other.take();
    PrefillResult found = one.take();
    for (std::size_t index = 0; index < branches_.size(); ++index) {
        expect_same(found.sequences[index], expected.sequences[index]);
    }
    for (std::size_t index = 0; index < others.size(); ++index) {
        expect_same(found_others.sequences[index], expected_others.sequences[index]);
    }
}

TEST_P(PrefillTaskOf, LosesABranchAnywhere) {
    const PrefillResult expected = session_.prefill(branches_);
    for (int when = 0;; when += 5) {
        for (const std::size_t lost : {std::size_t{0}, std::size_t{2}, std::size_t{4}}) {
            SCOPED_TRACE(fmt::format("branch {} after {} units", lost, when));
            PrefillTask task = session_.begin_prefill(branches_);
            for (int unit = 0; unit < when; ++unit) {
                task.advance();
            }
            const bool was_done = task.done();
            task.drop(lost);
            while (task.advance()) {
            }
            PrefillResult found = task.take();
            ASSERT_EQ(found.sequences.size(), branches_.size() - 1);
            for (std::size_t index = 0; index < found.sequences.size(); ++index) {
                expect_same(found.sequences[index], expected.sequences[index < lost ? index : index + 1]);
            }
            if (was_done) {
                return;
            }
        }
    }
}

TEST_P(PrefillTaskOf, LeavesNoRowsWhenItIsDropped) {
    Sequence sequence = test::prefill_one(session_, branches_.front());
    const Meter & meter = Internals::of(sequence).arena->meter();
    const std::uint64_t before = meter.alive();
    for (const int units : {0, 1, 5, 12, 20}) {
        PrefillTask task = session_.begin_prefill(branches_);
        for (int unit = 0; unit < units; ++unit) {
            task.advance();
        }
        EXPECT_TRUE(units == 0 || meter.alive() > before) << units;
    }
    EXPECT_EQ(meter.alive(), before);
}

TEST_P(PrefillTaskOf, EndsWhenItsLastBranchIsDropped) {
    PrefillTask task = session_.begin_prefill(branches_);
    task.advance();
    for (std::size_t index = 0; index < branches_.size(); ++index) {
        EXPECT_FALSE(task.done());
        task.drop(index);
    }
    EXPECT_TRUE(task.done());
    EXPECT_FALSE(task.advance());
    EXPECT_TRUE(task.take().sequences.empty());
}

TEST_P(PrefillTaskOf, IsEndedByTheStopFlag) {
    PrefillTask task = session_.begin_prefill(branches_);
    task.advance();
    task.advance();
    stop_ = true;
    EXPECT_FALSE(task.advance());
    stop_ = false;
    EXPECT_TRUE(task.done());
    EXPECT_FALSE(task.advance());
    const PrefillResult result = task.take();
    EXPECT_TRUE(result.stats.interrupted);
    EXPECT_TRUE(result.sequences.empty());
}

TEST_P(PrefillTaskOf, SaysWhatIsAskedTooEarlyOrAmiss) {
    PrefillTask task = session_.begin_prefill(branches_);
    test::error_of(ErrorKind::Usage, [&] { static_cast<void>(task.take()); });
    test::error_of(ErrorKind::Usage, [&] { task.drop(branches_.size()); });
    EXPECT_TRUE(task.advance());
}

TEST_P(PrefillTaskOf, IsOverOnceItIsTaken) {
    PrefillTask task = session_.begin_prefill(branches_);
    while (task.advance()) {
    }
    static_cast<void>(task.take());
    test::error_of(ErrorKind::Usage, [&] { task.advance(); });
    test::error_of(ErrorKind::Usage, [&] { task.drop(0); });
    test::error_of(ErrorKind::Usage, [&] { static_cast<void>(task.take()); });
}

TEST_P(PrefillTaskOf, IsOverOnceAnObserverThrows) {
    struct Refused {};
    std::vector<Branch> branches = branches_;
    branches.front().observer = {4, [](const AttentionRow &) { throw Refused(); }};
    PrefillTask task = session_.begin_prefill(branches);
    EXPECT_THROW(
        {
            while (task.advance()) {
            }
        },
        Refused);
    test::error_of(ErrorKind::Usage, [&] { task.advance(); });
    const PrefillResult others = session_.prefill(branches_);
    EXPECT_EQ(others.sequences.size(), branches_.size());
}

TEST_P(PrefillTaskOf, LetsGoOfTheTrunkWithTheLastBranchThatKeepsIt) {
    const std::vector<Branch> branches{branches_[0], branches_[2]};
    Sequence sequence = test::prefill_one(session_, branches_[0]);
    const std::uint64_t alone = Internals::of(sequence).arena->meter().alive();
    PrefillTask task = session_.begin_prefill(branches);
    task.advance();
    task.drop(1);
    while (task.advance()) {
    }
    EXPECT_EQ(task.progress().done, task.progress().total);
    const PrefillResult result = task.take();
    EXPECT_EQ(result.sequences.front().kept_positions(), sequence.kept_positions());
    // The first sequence and the one branch that was left: nothing of the dropped one.
    EXPECT_LE(Internals::of(sequence).arena->meter().alive(), 2 * alone + 4096);
}

INSTANTIATE_TEST_SUITE_P(Families, PrefillTaskOf, ::testing::Values("llama", "gemma3", "qwen35moe", "deepseek2"),
                         [](const auto & info) { return std::string(info.param); });

}  // namespace
}  // namespace snapkv

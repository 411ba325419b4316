// Policies that go on evicting while they generate, against naive ones over the naive model.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <tuple>
#include <vector>

#include "run/loaded_family.h"
#include "run/seen_attention.h"
#include "run/sequence_impl.h"
#include "run/tiny_run.h"
#include "snapkv/error.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

constexpr std::uint32_t kBudget = 60;

/// One authors' rule in plain loops: what should be held once tokens have come, given what was held before. Where
/// rounding may decide, the engine's own choice is gone on from.
class NaiveEviction {
public:
    NaiveEviction(const test::TinyRun & run, const Sequence & sequence)
        : run_(run), naive_(run.naive()), stats_(sequence.cache_stats()), held_(sequence.kept_positions()) {
        naive_.feed(sequence.tokens());
        if (stats_.evidence == Evidence::Accumulated) {
            add_weights(
                KeptPositions(held_.size(), Heads(held_[0].size(), positions_from(Position{0}, naive_.positions()))),
                0);
        }
    }

    /// Checks what the engine holds behind these tokens.
    void expect_after(std::span<const Token> tokens, const Sequence & sequence) {
        const std::uint32_t first = naive_.positions();
        naive_.keep(held_);
        naive_.feed(tokens);
        EXPECT_LT(test::nmse(sequence.logits(), naive_.last_logits()), 1e-6);
        KeptPositions all = held_;
        for (auto & layer : all) {
            for (std::vector<Position> & head : layer) {
                const auto came = positions_from(Position{first}, static_cast<std::uint32_t>(tokens.size()));
                head.insert(head.end(), came.begin(), came.end());
            }
        }
        if (stats_.evidence == Evidence::Accumulated) {
            add_weights(all, first);
        }
        const KeptPositions found = sequence.kept_positions();
        for (std::uint32_t layer = 0; layer < all.size(); ++layer) {
            for (std::uint32_t head = 0; head < all[layer].size(); ++head) {
                expect_held(layer, head, all[layer], found[layer][head]);
            }
        }
        held_ = found;
    }
    [[nodiscard]] std::size_t differing() const { return differing_; }
    /// Rows of equal counts whose ties differ although no weight of theirs lies within 1e-4 of an even share.
    [[nodiscard]] std::size_t counted_otherwise() const { return counted_otherwise_; }

private:
    using Heads = std::vector<std::vector<Position>>;

    [[nodiscard]] std::uint32_t group() const { return run_.tiny.shape.heads / run_.tiny.shape.kv_heads; }
    [[nodiscard]] std::vector<double> weights(std::uint32_t layer, std::uint32_t head, std::uint32_t query,
                                              const std::vector<Position> & rows) const {
        return test::naive_weights(run_, naive_, layer, head, query, rows);
    }
    void add_weights(const KeptPositions & rows, std::uint32_t first) {
        for (std::uint32_t layer = 0; layer < rows.size(); ++layer) {
            for (std::uint32_t head = 0; head < run_.tiny.shape.heads; ++head) {
                for (std::uint32_t query = first; query < naive_.positions(); ++query) {
                    const std::vector<double> given = weights(layer, head, query, rows[layer][head / group()]);
                    for (std::uint32_t at = 0; at < given.size(); ++at) {
                        sums_[{layer, head, at}] += given[at];
                    }
                }
            }
        }
    }
    /// The row with the lowest score goes, of equal ones that with the lowest tie.
    struct Score {
        double score = 0;
        double tie = 0;
        double margin = 1;  ///< how near, at most, a weight that is counted came to an even share
    };
    [[nodiscard]] std::vector<Score> scores(std::uint32_t layer, std::uint32_t kv_head, const Heads & rows) const {
        const std::vector<Position> & own = rows[kv_head];
        std::vector<Score> scores(own.size());
        const std::uint32_t last = naive_.positions() - 1;
        switch (stats_.evidence) {
            case Evidence::None:
                for (std::size_t row = 0; row < own.size(); ++row) {
                    scores[row].score = index_of(own[row]);
                }
                break;
            case Evidence::Mean:
                for (std::uint32_t head = 0; head < run_.tiny.shape.heads; ++head) {
                    const std::vector<double> given = weights(layer, head, last, rows[head / group()]);
                    for (std::size_t row = 0; row < own.size(); ++row) {
                        scores[row].score += given[index_of(own[row])] / run_.tiny.shape.heads;
                    }
                }
                break;
            case Evidence::Accumulated:
                for (std::uint32_t head = kv_head * group(); head < (kv_head + 1) * group(); ++head) {
                    for (std::size_t row = 0; row < own.size(); ++row) {
                        scores[row].score += sums_.at({layer, head, index_of(own[row])}) / group();
                    }
                }
                break;
            default:
                for (std::uint32_t head = kv_head * group(); head < (kv_head + 1) * group(); ++head) {
                    for (std::uint32_t query = last - std::min(last, 399U); query <= last; ++query) {
                        const std::vector<double> given = weights(layer, head, query, own);
                        const auto seen = std::upper_bound(own.begin(), own.end(), Position{query}) - own.begin();
                        for (std::size_t row = 0; row < static_cast<std::size_t>(seen); ++row) {
                            const double weight = given[index_of(own[row])];
                            scores[row].score -= weight < 1.0 / static_cast<double>(seen) ? 1.0 / group() : 0;
                            scores[row].tie += weight / group();
                            scores[row].margin =
                                std::min(scores[row].margin, std::abs(weight * static_cast<double>(seen) - 1));
                        }
                    }
                }
        }
        return scores;
    }
    void expect_held(std::uint32_t layer, std::uint32_t head, const Heads & rows, const std::vector<Position> & found) {
        const std::vector<Position> & own = rows[head];
        const bool counts = stats_.evidence == Evidence::Pivotal;
        if (own.size() <= stats_.budget) {
            EXPECT_EQ(found, own);
            return;
        }
        const std::size_t left = counts ? stats_.budget + 1 - stats_.budget / 2 : stats_.budget;
        const std::size_t recent = stats_.evidence == Evidence::None ? 0 : stats_.recent;
        const auto of_rows = scores(layer, head, rows);
        std::vector<std::size_t> order;
        for (std::size_t row = 0; row + recent < own.size(); ++row) {
            if (index_of(own[row]) >= stats_.sink) {
                order.push_back(row);
            }
        }
        std::sort(order.begin(), order.end(), [&](std::size_t one, std::size_t other) {
            return std::tuple(of_rows[one].score, of_rows[one].tie, other) <
                   std::tuple(of_rows[other].score, of_rows[other].tie, one);
        });
        std::vector<Position> expected = own;
        for (std::size_t gone = 0; gone < own.size() - left; ++gone) {
            std::erase(expected, own[order[gone]]);
        }
        ASSERT_EQ(found.size(), left);
        const Score cut = of_rows[order[own.size() - left - 1]];
        bool near_even_share = false;
        std::vector<Score> differ;
        for (const Position position : test::differing(found, expected)) {
            const auto row = static_cast<std::size_t>(std::find(own.begin(), own.end(), position) - own.begin());
            ASSERT_LT(row, own.size());
            differ.push_back(of_rows[row]);
            near_even_share = near_even_share || of_rows[row].margin < 1e-4;
        }
        differing_ += differ.size();
        for (const Score & of_row : differ) {
            if (!counts) {
                EXPECT_NEAR(of_row.score, cut.score, 1e-4 * std::abs(cut.score));
            } else if (near_even_share) {
                EXPECT_NEAR(of_row.score, cut.score, 1.01);
            } else {
                EXPECT_EQ(of_row.score, cut.score);
                counted_otherwise_ += static_cast<std::size_t>(std::abs(of_row.tie - cut.tie) > 1e-4 * cut.tie);
            }
        }
    }

    const test::TinyRun & run_;
    test::NaiveModel naive_;
    CacheStats stats_;
    KeptPositions held_;
    std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, double> sums_;
    std::size_t differing_ = 0;
    std::size_t counted_otherwise_ = 0;
};

std::string policy_name(Policy policy) {
    return std::string(named_policy(policy).name);
}

class EvictionBy : public ::testing::TestWithParam<Policy> {
protected:
    test::TinyRun run_;

    [[nodiscard]] Sequence prompt(Session & session, std::uint32_t tokens) const {
        return test::prefill_one(
            session, test::branch_of(test::random_tokens(tokens, 5), test::policy_cache(GetParam(), kBudget)));
    }
};

TEST_P(EvictionBy, HoldsOver200TokensWhatTheNaiveRuleHolds) {
    for (const std::uint32_t tokens : {150U, 30U, 1U}) {
        SCOPED_TRACE(tokens);
        Session session = run_.session(64);  // two threads on one core wait for each other in each step
        Sequence sequence = prompt(session, tokens);
        EXPECT_TRUE(sequence.cache_stats().evicts);
        NaiveEviction naive(run_, sequence);
        std::uint64_t rows = sequence.cache_stats().rows_kept;
        for (const Token & token : test::random_tokens(200, 6)) {
            std::vector<Sequence *> one{&sequence};
            session.step(one, std::span(&token, 1));
            naive.expect_after(std::span(&token, 1), sequence);
            rows += sequence.kept_positions().size() * sequence.kept_positions()[0].size();
        }
        std::uint64_t held = 0;
        for (const auto & layer : sequence.kept_positions()) {
            for (const std::vector<Position> & head : layer) {
                EXPECT_LE(head.size(), kBudget);
                held += head.size();
            }
        }
        EXPECT_EQ(sequence.cache_stats().evicted, rows - held);
        EXPECT_LE(naive.differing(), 40U);
        EXPECT_LE(naive.counted_otherwise(), 3U);
    }
}

TEST_P(EvictionBy, ReadsAMessagePieceByPiece) {
    Session session = run_.session(64, 2);
    Sequence sequence = prompt(session, 150);
    NaiveEviction naive(run_, sequence);
    const std::vector<Token> message = test::random_tokens(20, 7);
    for (const std::size_t length : {20U, 3U, 12U}) {
        session.append(sequence, std::span(message).first(length));
        naive.expect_after(std::span(message).first(length), sequence);
    }
    session.append(sequence, test::random_tokens(300, 8));
    Sequence pieces = prompt(session, 150);
    for (const std::size_t length : {20U, 3U, 12U}) {
        session.append(pieces, std::span(message).first(length));
    }
    const std::vector<Token> longer = test::random_tokens(300, 8);
    session.append(pieces, std::span(longer).first(256));
    session.append(pieces, std::span(longer).subspan(256));
    EXPECT_EQ(pieces.kept_positions(), sequence.kept_positions());
    EXPECT_TRUE(test::same_bits(pieces.logits(), sequence.logits()));
}

TEST_P(EvictionBy, HoldsAFixedAmountOfMemory) {
    Session session = run_.session(64);
    Sequence sequence = prompt(session, 150);
    const auto feed = [&](std::size_t count) {
        for (const Token & token : test::random_tokens(count, 9)) {
            session.append(sequence, std::span(&token, 1));
        }
        return Internals::of(sequence).arena->meter().alive();
    };
    feed(300);
    const std::uint64_t before = feed(256);
    EXPECT_EQ(feed(512), before);
}

TEST_P(EvictionBy, DecidesOnceWhereItIsNotToGoOn) {
    Session session = run_.session(64);
    CacheConfig cache = test::policy_cache(GetParam(), kBudget);
    cache.evict = false;
    Sequence sequence = test::prefill_one(session, test::branch_of(test::random_tokens(150, 5), cache));
    EXPECT_EQ(sequence.kept_positions(), prompt(session, 150).kept_positions());
    session.append(sequence, test::random_tokens(40, 6));
    EXPECT_EQ(sequence.kept_positions()[0][0].size(), kBudget + 40);
    EXPECT_EQ(sequence.cache_stats().evicted, 0U);
    EXPECT_FALSE(sequence.cache_stats().evicts);
    sequence.truncate(150);
}

TEST_P(EvictionBy, RefusesWhatCannotBe) {
    Session session = run_.session(64);
    Sequence sequence = prompt(session, 150);
    const std::vector<Token> tokens = test::random_tokens(3, 1);
    session.append(sequence, tokens);
    EXPECT_EQ(test::error_of(ErrorKind::Usage, [&] { sequence.truncate(151); }),
              "a sequence that evicts while it generates cannot be cut: the rows that went are gone");
    const std::vector<std::int32_t> parents{-1, 0, 0};
    EXPECT_EQ(test::error_of(ErrorKind::Usage, [&] { session.step_tree(sequence, tokens, parents); }),
              "tokens are to continue a sequence as a tree, and it evicts with each of them; expected a step for each "
              "token");
    EXPECT_EQ(
        test::error_of(ErrorKind::Usage,
                       [&] { session.append(sequence, tokens, {.compress = test::policy_cache(Policy::SnapKV, 2)}); }),
        "the turns are to be compressed by a vote, and the sequence evicts as they come; expected cache.evict off");
    CacheConfig cache = test::policy_cache(GetParam(), kBudget);
    cache.tail_budget = 9;
    EXPECT_EQ(test::error_of(ErrorKind::Usage, [&] { test::prefill_one(session, test::branch_of(tokens, cache)); }),
              "cache.tail_budget is 9, and by cache.policy " + policy_name(GetParam()) +
                  " prompt and answer together stay within the budget; expected none, or cache.evict off");
}

INSTANTIATE_TEST_SUITE_P(Policies, EvictionBy,
                         ::testing::Values(Policy::Streaming, Policy::Tova, Policy::H2O, Policy::ScissorHands),
                         [](const auto & param) { return policy_name(param.param); });

TEST(Eviction, IsForPoliciesWhoseAuthorsGoOn) {
    const test::TinyRun run;
    Session session = run.session(64);
    CacheConfig cache = test::policy_cache(Policy::SnapKV, kBudget);
    cache.evict = true;
    EXPECT_EQ(
        test::error_of(ErrorKind::Usage,
                       [&] { test::prefill_one(session, test::branch_of(test::random_tokens(9, 1), cache)); }),
        "cache.evict is on, and cache.policy snapkv decides once, at the prompt's end; expected off, a policy that "
        "goes on evicting (streaming, tova, h2o, scissorhands), or cache.tail_budget");
}

class EvictionOf : public ::testing::TestWithParam<std::tuple<const char *, Policy, KvType>> {
protected:
    test::LoadedFamily family_{std::get<0>(GetParam()), 4096};
    Session session_ = family_.session();

    [[nodiscard]] CacheConfig cache() const {
        return test::policy_cache(std::get<1>(GetParam()), kBudget, std::get<2>(GetParam()));
    }
};

TEST_P(EvictionOf, GoesWithForksFilesAndOtherSequences) {
    const Branch branch = test::branch_of(test::random_tokens(150, 3), cache());
    Sequence sequence = test::prefill_one(session_, branch);
    const auto step = [&](Sequence & of, Token token) {
        std::vector<Sequence *> one{&of};
        session_.step(one, std::span(&token, 1));
    };
    for (const Token token : test::random_tokens(45, 4)) {
        step(sequence, token);
    }
    const test::TemporaryFolder folder;
    ASSERT_TRUE(session_.save(sequence, folder.path() / "cache"));
    Sequence loaded = session_.load(folder.path() / "cache");
    Sequence fork = sequence.fork();
    const KeptPositions at_fork = sequence.kept_positions();
    EXPECT_EQ(loaded.kept_positions(), at_fork);
    EXPECT_EQ(loaded.cache_stats().evicted, sequence.cache_stats().evicted);
    Sequence other = test::prefill_one(
        session_, test::branch_of(test::random_tokens(90, 5),
                                  test::policy_cache(Policy::SnapKV, kBudget, std::get<2>(GetParam()))));
    Sequence other_alone = other.fork();
    std::vector<Sequence *> together{&fork, &other, &loaded};
    const Sequence untouched = sequence.fork();
    for (const Token token : test::random_tokens(70, 6)) {
        step(sequence, token);
        step(other_alone, token);
        const std::vector<Token> tokens(together.size(), token);
        session_.step(together, tokens);
        ASSERT_TRUE(test::same_bits(fork.logits(), sequence.logits()));
        ASSERT_TRUE(test::same_bits(loaded.logits(), sequence.logits()));
        ASSERT_TRUE(test::same_bits(other.logits(), other_alone.logits()));
    }
    EXPECT_EQ(fork.kept_positions(), sequence.kept_positions());
    EXPECT_EQ(loaded.kept_positions(), sequence.kept_positions());
    EXPECT_EQ(untouched.kept_positions(), at_fork);
    const KeptPositions kept = sequence.kept_positions();
    for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
        for (const std::vector<Position> & head : kept[layer]) {
            if (Internals::of(sequence).rows.tail.window(layer) == 0) {
                EXPECT_LE(head.size(), kBudget);
            } else {  // its window's, as ever
                EXPECT_EQ(index_of(head.back()), 150U + 45 + 70 - 1);
            }
        }
    }
}

TEST_P(EvictionOf, GoesOnFromAPausedPrefill) {
    const Branch branch = test::branch_of(test::random_tokens(150, 3), cache());
    Sequence expected = test::prefill_one(session_, branch);
    const test::TemporaryFolder folder;
    PrefillTask task = session_.begin_prefill({&branch, 1});
    while (!(task.between_layers() && task.progress().layer > 0)) {
        task.advance();
    }
    ASSERT_TRUE(task.save(folder.path() / "paused"));
    PrefillTask resumed = session_.resume_prefill({&branch, 1}, {}, folder.path() / "paused");
    while (resumed.advance()) {
    }
    PrefillResult result = resumed.take();
    EXPECT_EQ(test::greedy(session_, result.sequences[0], 70), test::greedy(session_, expected, 70));
    EXPECT_EQ(result.sequences[0].kept_positions(), expected.kept_positions());
}

INSTANTIATE_TEST_SUITE_P(Families, EvictionOf,
                         ::testing::Combine(::testing::Values("llama", "gemma3", "gpt-oss", "deepseek2", "qwen35moe"),
                                            ::testing::Values(Policy::Streaming, Policy::Tova, Policy::H2O,
                                                              Policy::ScissorHands),
                                            ::testing::Values(KvType::F32, KvType::F16)),
                         [](const auto & param) {
                             std::string name = std::string(std::get<0>(param.param)) +
                                                policy_name(std::get<1>(param.param)) +
                                                std::string(name_of(std::get<2>(param.param)));
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace snapkv

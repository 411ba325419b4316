#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "run/seen_attention.h"
#include "run/sequence_impl.h"
#include "run/tiny_run.h"
#include "support/error_of.h"

namespace snapkv {
namespace {

using ::testing::HasSubstr;

CacheConfig turns_of(std::uint32_t rows, std::uint32_t window = 16) {
    return test::snapkv_cache(rows, window);
}

/// Which positions a naive model's queries give weight to, where rows were evicted before.
class NaiveVote {
public:
    NaiveVote(const test::TinyRun & run, const test::NaiveModel & naive, KeptPositions seen)
        : run_(run), naive_(naive), seen_(std::move(seen)) {}

    /// Of a query head: the mean weight over the last `window` positions of each position in [first, end).
    [[nodiscard]] std::vector<float> votes(std::uint32_t layer, std::uint32_t head, std::uint32_t window,
                                           std::uint32_t first, std::uint32_t end) const {
        std::vector<double> sums(end - first);
        for (std::uint32_t query = naive_.positions() - window; query < naive_.positions(); ++query) {
            const std::vector<double> weights = softmax(layer, head, query);
            for (std::uint32_t key = first; key < end; ++key) {
                sums[key - first] += weights[key] / window;
            }
        }
        return {sums.begin(), sums.end()};
    }

    /// Of one query, over positions 0 .. `query`.
    [[nodiscard]] std::vector<double> softmax(std::uint32_t layer, std::uint32_t head, std::uint32_t query) const {
        const test::TinyShape & shape = run_.tiny.shape;
        return test::naive_weights(run_, naive_, layer, head, query,
                                   seen_[layer][head / (shape.heads / shape.kv_heads)]);
    }

private:
    const test::TinyRun & run_;
    const test::NaiveModel & naive_;
    KeptPositions seen_;
};

/// A prompt of which 64 rows stay, an answer of which the last token has no row yet, and a message.
class Turns : public ::testing::Test {
protected:
    static constexpr std::uint32_t kPrompt = 200;

    test::TinyRun run_{test::TinyShape{.width = 48, .biases = true, .rope_factors = true}};
    Session session_ = run_.session(64);
    std::vector<Token> message_ = test::random_tokens(40, 3);

    [[nodiscard]] Sequence answered(KvTypes type = KvType::F32, std::int64_t answer = 150) {
        Sequence sequence = test::prefill_one(
            session_, test::branch_of(test::random_tokens(kPrompt, 1), test::snapkv_cache(64, 16, type)));
        EXPECT_EQ(test::greedy(session_, sequence, answer).size(), static_cast<std::size_t>(answer));
        return sequence;
    }
    AppendStats compress(Sequence & sequence, const CacheConfig & config) {
        return session_.append(sequence, message_, {.compress = config});
    }
    /// The positions that each head keeps of the prompt and of the turns, as the naive model would have them.
    [[nodiscard]] KeptPositions expected(const Sequence & before, test::NaiveModel & naive, const CacheConfig & config,
                                         std::uint32_t rows) {
        const test::TinyShape & shape = run_.tiny.shape;
        KeptPositions kept = before.kept_positions();
        const auto message = static_cast<std::uint32_t>(before.tokens().size());
        const auto end = message + static_cast<std::uint32_t>(message_.size());
        KeptPositions seen = kept;
        for (auto & layer : seen) {
            for (auto & head : layer) {  // the pending token and the message
                for (std::uint32_t position = message - 1; position < end; ++position) {
                    head.push_back(Position{position});
                }
            }
        }
        const NaiveVote vote(run_, naive, seen);
        const std::uint32_t group = shape.heads / shape.kv_heads;
        for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
            for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
                std::vector<float> scores;
                for (std::uint32_t member = 0; member < group; ++member) {
                    const std::vector<float> votes =
                        vote.votes(layer, head * group + member, *config.window, kPrompt, message);
                    scores.insert(scores.end(), votes.begin(), votes.end());
                }
                auto & of_head = kept[layer][head];
                of_head.erase(std::lower_bound(of_head.begin(), of_head.end(), Position{kPrompt}), of_head.end());
                for (const Position turn :
                     select_positions(scores, group, {.count = rows, .cluster = Cluster::kernel(7)})) {
                    of_head.push_back(turn + kPrompt);
                }
                for (std::uint32_t position = message; position < end; ++position) {
                    of_head.push_back(Position{position});
                }
            }
        }
        return kept;
    }
};

TEST_F(Turns, KeepWhatTheMessageVotesForAndGoOnLikeTheMaskedModel) {
    Sequence sequence = answered();
    test::NaiveModel naive = run_.naive();
    const std::vector<Token> before(sequence.tokens().begin(), sequence.tokens().end());
    {
        const Sequence prompt = test::prefill_one(
            session_, test::branch_of(test::random_tokens(kPrompt, 1), test::snapkv_cache(64, 16, KvType::F32)));
        naive.feed(std::span(before).first(kPrompt));
        naive.keep(prompt.kept_positions());
    }
    naive.feed(std::span(before).subspan(kPrompt));
    naive.feed(message_);
    CacheConfig config = turns_of(48);
    config.cluster = Cluster::kernel(7);
    const KeptPositions kept = expected(sequence, naive, config, 48);
    const AppendStats stats = compress(sequence, config);
    EXPECT_TRUE(stats.turns.compressed) << stats.turns.reason;
    EXPECT_FALSE(stats.interrupted);
    const test::TinyShape & shape = run_.tiny.shape;
    EXPECT_EQ(stats.turns.rows_before, std::uint64_t{150} * shape.layers * shape.kv_heads);
    EXPECT_EQ(stats.turns.rows_kept, std::uint64_t{48} * shape.layers * shape.kv_heads);
    EXPECT_EQ(sequence.kept_positions(), kept);
    EXPECT_LT(test::nmse(sequence.logits(), naive.last_logits()), 1e-6) << "the message saw all";
    naive.keep(kept);
    const std::vector<Token> next = test::random_tokens(70, 4);
    session_.append(sequence, next);
    naive.feed(next);
    EXPECT_LT(test::nmse(sequence.logits(), naive.last_logits()), 1e-6);
}

TEST(TurnsOfEveryType, KeepNearlyTheSame) {
    const test::TinyRun run(test::TinyShape{.key_size = 32, .value_size = 32});
    Session session = run.session();
    const auto kept = [&](KvTypes type, bool rotate) {
        CacheConfig cache = test::snapkv_cache(64, 16, type);
        cache.rotate = rotate;
        Sequence sequence = test::prefill_one(session, test::branch_of(test::random_tokens(200, 1), cache));
        session.append(sequence, test::random_tokens(150, 2));
        EXPECT_TRUE(session.append(sequence, test::random_tokens(40, 3), {.compress = turns_of(48)}).turns.compressed);
        session.append(sequence, test::random_tokens(3, 5));
        EXPECT_TRUE(std::all_of(sequence.logits().begin(), sequence.logits().end(),
                                [](float logit) { return std::isfinite(logit); }));
        return sequence.kept_positions();
    };
    const KeptPositions exact = kept(KvType::F32, true);
    EXPECT_GT(test::agreement(kept(KvType::F16, true), exact), 0.97);
    EXPECT_GT(test::agreement(kept(KvType::BF16, true), exact), 0.95);
    EXPECT_GT(test::agreement(kept(KvType::Q8_0, true), exact), 0.95);
    EXPECT_GT(test::agreement(kept(KvType::Q8_0, false), exact), 0.95);
    EXPECT_GT(test::agreement(kept({KvType::Q8_0, KvType::Q4_0}, true), exact), 0.9);
    EXPECT_GT(test::agreement(kept({KvType::F16, KvType::Q4_0}, true), exact), 0.9);
}

TEST_F(Turns, AreShrunkOnceEach) {
    Sequence sequence = answered();
    std::size_t shrunk = 64;  // rows of each head: the prompt's, then those of the turns
    for (int turn = 0; turn < 6; ++turn) {
        const KeptPositions before = sequence.kept_positions();
        ASSERT_TRUE(compress(sequence, turns_of(16)).turns.compressed);
        const KeptPositions after = sequence.kept_positions();
        for (std::size_t layer = 0; layer < after.size(); ++layer) {
            for (std::size_t head = 0; head < after[layer].size(); ++head) {
                EXPECT_TRUE(std::ranges::equal(std::span(after[layer][head]).first(shrunk),
                                               std::span(before[layer][head]).first(shrunk)));
                EXPECT_EQ(after[layer][head].size(), shrunk + 16 + message_.size());
            }
        }
        shrunk += 16;
        EXPECT_EQ(test::greedy(session_, sequence, 20).size(), 20U);
    }
}

TEST_F(Turns, AreShrunkToTheirEndsWithoutAVote) {
    Sequence sequence = answered();
    CacheConfig cache = turns_of(20);
    cache.window.reset();
    cache.policy = Policy::Streaming;
    const std::size_t prompt_rows = 64;
    ASSERT_TRUE(compress(sequence, cache).turns.compressed);
    std::vector<Position> expected = positions_from(Position{kPrompt}, 4);
    const std::vector<Position> last = positions_from(Position{kPrompt + 150 - 16}, 16);
    expected.insert(expected.end(), last.begin(), last.end());
    for (const auto & layer : sequence.kept_positions()) {
        for (const std::vector<Position> & head : layer) {
            ASSERT_EQ(head.size(), prompt_rows + 20 + message_.size());
            EXPECT_EQ(std::vector<Position>(head.begin() + prompt_rows, head.begin() + prompt_rows + 20), expected);
        }
    }
}

TEST_F(Turns, AreShrunkByTheirKeysAlone) {
    Sequence sequence = answered();
    CacheConfig cache = turns_of(20);
    cache.window.reset();
    cache.policy = Policy::KeyDiff;
    const AppendStats stats = compress(sequence, cache);
    ASSERT_TRUE(stats.turns.compressed);
    for (const auto & layer : sequence.kept_positions()) {
        for (const std::vector<Position> & head : layer) {
            ASSERT_EQ(head.size(), 64 + 20 + message_.size());
            EXPECT_EQ(head[64], Position{kPrompt}) << "a sink";
        }
    }
}

TEST_F(Turns, ThatFitStayAndHaveTheSameBits) {
    Sequence sequence = answered();
    Sequence plain = sequence.fork();
    const AppendStats stats = compress(sequence, turns_of(150));
    EXPECT_FALSE(stats.turns.compressed);
    EXPECT_EQ(stats.turns.reason, "the turns' tokens (150) fit in the budget (150)");
    session_.append(plain, message_);
    EXPECT_TRUE(test::same_bits(sequence.logits(), plain.logits()));
    EXPECT_EQ(sequence.kept_positions(), plain.kept_positions());
    CacheConfig full;
    full.policy = Policy::Full;
    EXPECT_EQ(compress(plain, full).turns.reason, "the policy is full");
    Sequence fresh = test::prefill_one(
        session_, test::branch_of(test::random_tokens(kPrompt, 1), test::snapkv_cache(64, 16, KvType::F32)));
    EXPECT_EQ(compress(fresh, turns_of(10)).turns.reason, "nothing came since the prompt");
}

TEST_F(Turns, LeaveTheMessagesLogitsAsTheyAre) {
    Sequence sequence = answered();
    Sequence plain = sequence.fork();
    ASSERT_TRUE(compress(sequence, turns_of(20)).turns.compressed);
    session_.append(plain, message_);
    EXPECT_TRUE(test::same_bits(sequence.logits(), plain.logits()));
}

TEST_F(Turns, DoNotDependOnHowTheMessageIsCutOrOnThreads) {
    for (const std::size_t length : {1U, 2U, 40U, 130U}) {
        SCOPED_TRACE(length);
        message_ = test::random_tokens(length, 8);
        KeptPositions kept;
        for (const auto & [batch, threads] : {std::pair{64U, 1U}, {512U, 1U}, {64U, 2U}}) {
            Session session = run_.session(batch, threads);
            Sequence sequence = test::prefill_one(
                session, test::branch_of(test::random_tokens(kPrompt, 1), test::snapkv_cache(64, 16, KvType::F32)));
            session.append(sequence, test::random_tokens(150, 2));
            ASSERT_TRUE(session.append(sequence, message_, {.compress = turns_of(48, 100)}).turns.compressed);
            kept = kept.empty() ? sequence.kept_positions() : kept;
            EXPECT_EQ(sequence.kept_positions(), kept) << batch << ", " << threads;
        }
    }
}

TEST_F(Turns, AreSavedForkedAndCut) {
    Sequence sequence = answered(KvType::F16);
    ASSERT_TRUE(compress(sequence, turns_of(20)).turns.compressed);
    std::stringstream stream;
    ASSERT_TRUE(session_.save(sequence, stream));
    Sequence loaded = session_.load(stream, "stream");
    Sequence fork = sequence.fork();
    EXPECT_EQ(loaded.kept_positions(), sequence.kept_positions());
    const std::vector<Token> tokens = test::greedy(session_, sequence, 5);
    EXPECT_EQ(test::greedy(session_, loaded, 5), tokens);
    EXPECT_EQ(test::greedy(session_, fork, 5), tokens);
    const std::size_t message = kPrompt + 150;
    EXPECT_THAT(test::error_of(ErrorKind::Usage, [&] { sequence.truncate(message - 1); }),
                HasSubstr("there are no rows of their own from token 350 on"));
    EXPECT_THROW(sequence.truncate(message), Error);
    for (Sequence * each : {&sequence, &loaded}) {  // whose last token is fed again, and sees what was kept
        each->truncate(message + message_.size());
    }
    EXPECT_EQ(test::greedy(session_, sequence, 5), test::greedy(session_, loaded, 5));
}

TEST_F(Turns, AreNotCutToTheMessagesBeginning) {
    Sequence sequence = answered();
    ASSERT_TRUE(compress(sequence, turns_of(20)).turns.compressed);
    Sequence other = sequence.fork();
    constexpr std::size_t kMessage = kPrompt + 150;
    sequence.truncate(kMessage + 1);
    EXPECT_THROW(sequence.truncate(kMessage), Error) << "there are no logits behind the turns";
    other.truncate(kMessage + 1);
    session_.append(other, std::span(message_).subspan(1, 1));
    EXPECT_THROW(other.truncate(kMessage), Error);
    EXPECT_THROW(other.truncate(kPrompt), Error);
    other.truncate(kMessage + 1);
    EXPECT_EQ(test::greedy(session_, other, 3), test::greedy(session_, sequence, 3));
}

TEST_F(Turns, OfALongConversationLieInFewSegments) {
    Sequence sequence = answered();
    message_ = test::random_tokens(5, 6);
    for (int turn = 0; turn < 40; ++turn) {
        ASSERT_TRUE(compress(sequence, turns_of(2)).turns.compressed);
        EXPECT_EQ(test::greedy(session_, sequence, 3).size(), 3U);
    }
    EXPECT_LE(Internals::of(sequence).rows.segments.size(), 8U);
    const KeptPositions kept = sequence.kept_positions();
    EXPECT_EQ(kept[0][0].size(), 64U + 2 * 40 + 5 + 2);
    EXPECT_TRUE(std::ranges::is_sorted(kept[2][1]));
    std::stringstream stream;
    ASSERT_TRUE(session_.save(sequence, stream));
    Sequence loaded = session_.load(stream, "stream");
    EXPECT_EQ(loaded.kept_positions(), kept);
    EXPECT_EQ(test::greedy(session_, loaded, 3), test::greedy(session_, sequence, 3));
}

TEST_F(Turns, ThatContradictThemselvesAreRefused) {
    Sequence sequence = answered();
    const auto refusal = [&](const CacheConfig & config) {
        return test::error_of(ErrorKind::Usage, [&] { compress(sequence, config); });
    };
    CacheConfig sinks = turns_of(20);
    sinks.sink = 20;
    EXPECT_EQ(refusal(sinks), "cache.sink 20 leaves the vote no row of cache.budget 20; expected fewer sinks");
    EXPECT_THAT(refusal(turns_of(20, 0)), HasSubstr("cache.window is 0"));
    CacheConfig none = turns_of(20);
    none.budget = {Budget::Unit::Percent, 0};
    EXPECT_THAT(refusal(none), HasSubstr("cache.budget is 0%"));
    EXPECT_THAT(test::error_of(ErrorKind::Usage, [&] { session_.append(sequence, {}, {.compress = turns_of(20)}); }),
                HasSubstr("none is appended"));
    EXPECT_EQ(sequence.tokens().size(), kPrompt + 150U);
}

TEST_F(Turns, ThatAreShortStayWhole) {
    CacheConfig config = turns_of(1);
    config.budget = {Budget::Unit::Percent, 10};
    for (const std::int64_t answer : {1, 4, 10, 11}) {
        Sequence sequence = answered(KvType::F32, answer);
        const AppendStats stats = compress(sequence, config);
        EXPECT_EQ(stats.turns.compressed, answer >= 10) << answer;
        EXPECT_EQ(stats.turns.reason, answer >= 10 ? ""
                                                   : "the turns' tokens (" + std::to_string(answer) +
                                                         ") are too few for a budget of 10%: beside the sinks (0) no "
                                                         "row is left");
        EXPECT_EQ(stats.tokens, message_.size() + 1) << "the message comes anyway";
    }
}

TEST_F(Turns, KeepAShareAndSinks) {
    Sequence sequence = answered();
    CacheConfig config = turns_of(1);
    config.budget = {Budget::Unit::Percent, 20};
    config.sink = 4;
    config.window.reset();
    ASSERT_TRUE(compress(sequence, config).turns.compressed);
    const std::vector<Position> head = sequence.kept_positions()[1][1];
    EXPECT_EQ(head.size(), 64U + 30 + message_.size());
    EXPECT_EQ(std::vector(head.begin() + 64, head.begin() + 68), positions_from(Position{kPrompt}, 4));
}

TEST_F(Turns, MayBeInterruptedAndShrunkLater) {
    std::stop_source source;
    Sequence sequence = answered();
    Sequence whole = sequence.fork();
    ASSERT_TRUE(compress(whole, turns_of(20)).turns.compressed);
    // Told of once all tokens have their rows; the vote is still to come.
    const AppendStats cut =
        session_.append(sequence, message_, {.compress = turns_of(20)},
                        {.stop = source.get_token(), .progress = [&](const CallProgress & progress) {
                             if (progress.done == progress.total) {
                                 source.request_stop();
                             }
                         }});
    EXPECT_TRUE(cut.interrupted);
    EXPECT_FALSE(cut.turns.compressed);
    EXPECT_EQ(cut.turns.reason, "interrupted");
    EXPECT_EQ(cut.tokens, message_.size() + 1);
    EXPECT_EQ(sequence.kept_positions()[0][0].size(), 64U + 150 + message_.size());
    EXPECT_TRUE(test::same_bits(sequence.logits(), whole.logits()));
    EXPECT_TRUE(compress(sequence, turns_of(20)).turns.compressed) << "the first message is a turn by now";
    EXPECT_EQ(sequence.kept_positions()[0][0].size(), 64U + 20 + message_.size());
}

TEST_F(Turns, AreShownToAnObserverAsTheMaskedModelAttends) {
    Sequence sequence = answered();
    test::NaiveModel naive = run_.naive();
    const KeptPositions before = sequence.kept_positions();
    {
        const Sequence prompt = test::prefill_one(
            session_, test::branch_of(test::random_tokens(kPrompt, 1), test::snapkv_cache(64, 16, KvType::F32)));
        naive.feed(sequence.tokens().first(kPrompt));
        naive.keep(prompt.kept_positions());
    }
    naive.feed(sequence.tokens().subspan(kPrompt));
    // A step of decode, once the pending token has its row; then a message that is longer than a chunk.
    session_.append(sequence, {});
    for (const std::size_t count : {std::size_t{1}, std::size_t{100}}) {
        const auto observed = static_cast<std::uint32_t>(std::min(count, std::size_t{70}));
        const std::vector<Token> tokens = test::random_tokens(count, 9);
        Sequence unobserved = sequence.fork();
        test::Seen shown;
        session_.append(sequence, tokens, {.observer = shown.observer(observed)});
        session_.append(unobserved, tokens);
        EXPECT_TRUE(test::same_bits(sequence.logits(), unobserved.logits()));
        naive.feed(tokens);
        const NaiveVote expected(run_, naive, sequence.kept_positions());
        const test::TinyShape & shape = run_.tiny.shape;
        EXPECT_EQ(shown.rows().size(), std::size_t{observed} * shape.layers * shape.heads);
        for (const auto & [at, weights] : shown.rows()) {
            const auto & [layer, head, position] = at;
            const std::vector<double> softmax = expected.softmax(layer, head, position);
            ASSERT_EQ(weights.size(), softmax.size());
            for (std::size_t key = 0; key < weights.size(); ++key) {
                ASSERT_NEAR(weights[key], softmax[key], 1e-4) << layer << ", " << head << ", " << position;
            }
        }
    }
    EXPECT_THAT(test::error_of(ErrorKind::Usage,
                               [&] {
                                   test::Seen shown;
                                   session_.append(sequence, message_, {.observer = shown.observer(41)});
                               }),
                HasSubstr("41 positions are to be observed, 40 are appended"));
}

TEST_F(Turns, AreShownAndShrunkAtOnce) {
    Sequence sequence = answered();
    Sequence other = sequence.fork();
    test::Seen shown;
    const AppendStats stats =
        session_.append(sequence, message_, {.compress = turns_of(20), .observer = shown.observer(30)});
    EXPECT_TRUE(stats.turns.compressed);
    EXPECT_TRUE(compress(other, turns_of(20)).turns.compressed);
    EXPECT_EQ(sequence.kept_positions(), other.kept_positions());
    EXPECT_EQ(shown.rows().begin()->second.size(), kPrompt + 150U + 11);
    Observer fails{1, [](const AttentionRow &) { throw std::runtime_error("enough"); }};
    EXPECT_THROW(session_.append(sequence, message_, {.compress = turns_of(20), .observer = fails}),
                 std::runtime_error);
    EXPECT_EQ(sequence.kept_positions()[0][0].size(), 64U + 20 + 2 * message_.size()) << "nothing was shrunk";
}

}  // namespace
}  // namespace snapkv

#include "attention/vote.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "attention/cpu/instruction_sets.h"
#include "attention/oracle.h"
#include "attention/store.h"
#include "attention/vote_oracle.h"
#include "kv/layer_rows.h"

namespace snapkv::attention {
namespace {

using test::OwnedRows;
using test::Random;

std::vector<float> run(const VoteInput & input, std::uint32_t threads) {
    std::vector<float> votes(std::size_t{input.spec.heads} * input.prefix * vote_planes(input.evidence), std::nanf(""));
    Vote vote(input, votes);
    for (void (Vote::*phase)() : {&Vote::statistics, &Vote::columns}) {
        std::vector<std::thread> running;
        for (std::uint32_t thread = 0; thread < threads; ++thread) {
            running.emplace_back([&vote, phase] { (vote.*phase)(); });
        }
        for (std::thread & thread : running) {
            thread.join();
        }
    }
    for (std::uint32_t head = 0; head < input.spec.kv_heads; ++head) {
        vote.finish(head);
    }
    return votes;
}

bool same_bits(const std::vector<float> & a, const std::vector<float> & b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// Shape of a prompt: rows up to `trunk` lie in one view, the rest in another.
struct Prompt {
    std::uint32_t n = 0;
    std::uint32_t window = 0;
    std::uint32_t trunk = 0;  ///< 0: one view
};

/// A vote's input that owns its data.
class Ballot {
public:
    Ballot(const AttentionSpec & spec, KvType type, const Prompt & prompt, std::uint32_t seed) {
        Random random(seed);
        input_.spec = spec;
        input_.shape = {
            .kv_heads = spec.kv_heads, .key_size = spec.key_size, .value_size = spec.value_size, .type = type};
        input_.window = prompt.window;
        input_.n = prompt.n;
        input_.prefix = prompt.n - prompt.window;
        for (std::uint32_t head = 0; head < spec.kv_heads; ++head) {
            std::vector<kv::HeadRows> views;
            if (prompt.trunk > 0) {
                owned_.push_back(random_rows(random, input_.shape, 0, prompt.trunk));
                views.push_back(owned_.back().view());
            }
            owned_.push_back(random_rows(random, input_.shape, prompt.trunk, prompt.n - prompt.trunk));
            views.push_back(owned_.back().view());
            input_.rows.push_back(views);
        }
        queries_ = random.numbers(std::size_t{prompt.window} * spec.heads * spec.key_size);
        input_.queries = queries_.data();
    }

    VoteInput & input() { return input_; }

    /// Within 1e-4 (relative) or 1e-9 of the oracle, the same bits for any number of threads; with every instruction
    /// set.
    void check() const {
        const std::vector<double> expected = test::vote(input_);
        for (const cpu::InstructionSet & set : cpu::instruction_sets()) {
            SCOPED_TRACE(set.name);
            const cpu::OnlySet only(set);
            const std::vector<float> votes = run(input_, 1);
            ASSERT_EQ(votes.size(), expected.size());
            for (std::size_t i = 0; i < votes.size(); ++i) {
                ASSERT_NEAR(votes[i], expected[i], std::max(1e-9, 1e-4 * expected[i])) << "column " << i;
            }
            for (const std::uint32_t threads : {2U, 3U, 5U}) {
                EXPECT_TRUE(same_bits(run(input_, threads), votes)) << threads << " threads";
            }
        }
    }

    /// The same of counts, which may differ where a weight is an even share but for rounding, and of the sums.
    void check_pivotal() const {
        const std::size_t votes_of_plane = std::size_t{input_.spec.heads} * input_.prefix;
        for (const cpu::InstructionSet & set : cpu::instruction_sets()) {
            SCOPED_TRACE(set.name);
            const cpu::OnlySet only(set);
            const std::vector<float> votes = run(input_, 1);
            ASSERT_EQ(votes.size(), 2 * votes_of_plane);
            std::size_t at = 0;
            for (std::uint32_t head = 0; head < input_.spec.heads; ++head) {
                for (const test::Given & given : test::given_by(input_, head)) {
                    ASSERT_GE(votes[at], snapkv::test::pivotal(given.weights, given.seen, input_.window, -1e-4)) << at;
                    ASSERT_LE(votes[at], snapkv::test::pivotal(given.weights, given.seen, input_.window, 1e-4)) << at;
                    const double sum = std::accumulate(given.weights.begin(), given.weights.end(), 0.0);
                    ASSERT_NEAR(votes[votes_of_plane + at], sum, std::max(1e-9, 1e-4 * sum)) << at;
                    ++at;
                }
            }
            EXPECT_TRUE(same_bits(run(input_, 3), votes));
        }
    }

private:
    VoteInput input_;
    std::vector<OwnedRows> owned_;
    std::vector<float> queries_;
};

AttentionSpec spec_of(std::uint32_t kv_heads, std::uint32_t group, std::uint32_t key_size) {
    AttentionSpec spec{.heads = kv_heads * group, .kv_heads = kv_heads, .key_size = key_size, .value_size = key_size};
    spec.scale = 9.0F / std::sqrt(static_cast<float>(key_size));
    return spec;
}

class Votes : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, Votes, testing::Values(KvType::F32, KvType::F16, KvType::BF16), test::type_name);

TEST_P(Votes, EqualTheOracleForEveryGroupAndOddSizes) {
    for (const std::uint32_t group : {1U, 3U, 8U}) {
        for (const Prompt prompt : {Prompt{100, 32}, {129, 7}, {1024, 16}, {1025, 16}, {2100, 33}}) {
            SCOPED_TRACE(testing::Message() << "group " << group << ", n " << prompt.n);
            Ballot(spec_of(2, group, 13), GetParam(), prompt, 1).check();
        }
    }
}

TEST_P(Votes, EqualTheOracleForEverySizeOfHead) {
    for (const std::uint32_t size : {1U, 5U, 16U, 31U, 64U, 80U, 128U, 256U, 576U}) {
        SCOPED_TRACE(size);
        Ballot(spec_of(1, 2, size), GetParam(), {200, 16}, 2).check();
    }
}

TEST_P(Votes, EqualTheOracleOverTrunkAndSuffix) {
    // The window ends within the suffix, fills it, or reaches back into the trunk; pieces end in both.
    for (const Prompt prompt :
         {Prompt{300, 32, 200}, {300, 32, 268}, {300, 32, 290}, {300, 32, 299}, {1400, 64, 1100}}) {
        SCOPED_TRACE(testing::Message() << "n " << prompt.n << ", trunk " << prompt.trunk);
        Ballot(spec_of(2, 3, 24), GetParam(), prompt, 3).check();
    }
}

TEST(Vote, OfAPrefixOfOneRow) {
    Ballot(spec_of(2, 2, 16), KvType::F32, {33, 32}, 4).check();
    Ballot(spec_of(2, 2, 16), KvType::F32, {2, 1}, 5).check();
    Ballot(spec_of(1, 1, 16), KvType::F16, {2, 1, 1}, 6).check();
}

TEST(Vote, OfAWindowAlone) {
    Ballot ballot(spec_of(2, 2, 16), KvType::F32, {32, 32}, 7);
    EXPECT_TRUE(run(ballot.input(), 2).empty());
}

TEST(Vote, OfWindowsOfEverySize) {
    for (const std::uint32_t window : {1U, 2U, 63U, 64U, 65U, 256U}) {
        Ballot(spec_of(1, 3, 20), KvType::F16, {400, window}, 8).check();
    }
}

TEST(Vote, WithASoftCap) {
    AttentionSpec spec = spec_of(2, 2, 32);
    spec.soft_cap = 3;
    Ballot(spec, KvType::F32, {300, 20}, 9).check();
}

TEST(Vote, WithASlidingWindow) {
    for (const std::uint32_t sliding : {1U, 19U, 20U, 64U, 100U, 1000U}) {
        SCOPED_TRACE(sliding);
        AttentionSpec spec = spec_of(2, 2, 32);
        spec.sliding_window = sliding;
        Ballot(spec, KvType::F32, {300, 20, 285}, 10).check();
    }
}

TEST(Vote, WithSlopesAndSinks) {
    const std::vector<float> slopes{0.5F, 0.02F, 0.0F, 0.001F, 0.25F, 0.1F};
    const std::vector<float> sinks{1.5F, -3.0F, 0.0F, 6.0F, 2.0F, -1.0F};
    for (const float cap : {0.0F, 4.0F}) {
        AttentionSpec spec = spec_of(2, 3, 32);
        spec.soft_cap = cap;
        spec.alibi_slopes = slopes;
        Ballot(spec, KvType::F16, {1300, 20, 1285}, 17).check();
        spec.sinks = sinks;
        Ballot(spec, KvType::F16, {1300, 20}, 18).check();
        spec.sliding_window = 70;
        Ballot(spec, KvType::F32, {300, 20, 285}, 19).check();
    }
}

TEST(Vote, WithLogitsFarApart) {
    AttentionSpec spec = spec_of(2, 2, 32);
    spec.scale *= 12;
    Ballot(spec, KvType::F32, {2500, 16}, 11).check();
}

/// Equal keys: a query at position p gives every row that it sees 1 / (p + 1), the window's later rows nothing.
TEST(Vote, MasksTheWindowCausally) {
    constexpr std::uint32_t kN = 150;
    constexpr std::uint32_t kWindow = 50;
    const AttentionSpec spec = spec_of(1, 1, 8);
    Ballot ballot(spec, KvType::F32, {kN, kWindow}, 12);
    const std::vector<std::byte> keys(kN * std::size_t{32});
    ballot.input().rows[0][0].keys = keys.data();
    double expected = 0;
    for (std::uint32_t position = kN - kWindow; position < kN; ++position) {
        expected += 1.0 / (position + 1) / kWindow;
    }
    for (const float vote : run(ballot.input(), 2)) {
        EXPECT_NEAR(vote, expected, 1e-6 * expected);
    }
}

TEST(Vote, SumsToWhatThePrefixGets) {
    Ballot ballot(spec_of(1, 2, 16), KvType::F32, {1000, 10}, 13);
    const std::vector<float> votes = run(ballot.input(), 1);
    for (const std::ptrdiff_t head : {0, 1}) {
        const double sum = std::accumulate(votes.begin() + head * 990, votes.begin() + (head + 1) * 990, 0.0);
        EXPECT_LT(sum, 1.0);
        EXPECT_GT(sum, 0.9) << "ten of a thousand rows cannot take a tenth of random votes";
    }
}

TEST(Vote, HasTheSameBitsHoweverThePromptWasCut) {
    for (const KvType type : {KvType::F32, KvType::F16, KvType::BF16}) {
        constexpr std::uint32_t kN = 1300;
        constexpr std::uint32_t kWindow = 24;
        const AttentionSpec spec = spec_of(2, 3, 40);
        const kv::LayerShape shape{.kv_heads = 2, .key_size = 40, .value_size = 40, .type = type};
        Random random(14);
        const std::vector<float> keys = random.numbers(kN * std::size_t{80});
        const std::vector<float> values = random.numbers(kN * std::size_t{80});
        const std::vector<float> queries = random.numbers(kWindow * std::size_t{240});
        std::vector<std::vector<float>> votes;
        for (const std::uint32_t chunk : {kN, 512U, 64U, 37U}) {
            kv::Arena arena;
            kv::LayerRows rows = kv::LayerRows::dense(arena, shape, kN, Position{0});
            for (std::uint32_t first = 0; first < kN; first += chunk) {
                LayerUnit unit;
                unit.spec = spec;
                unit.shape = shape;
                unit.stores = {
                    {.count = std::min(chunk, kN - first),
                     .keys = rows.key_row(0, first),
                     .values = rows.value_row(0, first),
                     .key_head_stride = static_cast<std::size_t>(rows.key_row(1, 0) - rows.key_row(0, 0)),
                     .value_head_stride = static_cast<std::size_t>(rows.value_row(1, 0) - rows.value_row(0, 0))}};
                store_rows(unit, keys.data() + first * std::size_t{80}, values.data() + first * std::size_t{80}, 0, 1);
                rows.set_rows(first + unit.stores[0].count);
            }
            const VoteInput input{.spec = spec,
                                  .shape = shape,
                                  .queries = queries.data(),
                                  .window = kWindow,
                                  .n = kN,
                                  .prefix = kN - kWindow,
                                  .rows = {{rows.head(0)}, {rows.head(1)}}};
            votes.push_back(run(input, 2));
        }
        for (const std::vector<float> & other : votes) {
            EXPECT_TRUE(same_bits(other, votes[0]));
        }
    }
}

// Every kind of evidence, with more voters than recent rows, as many, and fewer.
TEST_P(Votes, OfEveryKindEqualTheOracle) {
    for (const Evidence evidence :
         {Evidence::Mean, Evidence::Rms, Evidence::Top4, Evidence::Max, Evidence::MaxFloor, Evidence::Recency}) {
        for (const std::uint32_t recent : {1U, 2U, 17U, 40U, 64U}) {
            for (const std::uint32_t window : {1U, 3U, 40U}) {
                SCOPED_TRACE(
                    fmt::format("evidence {}, {} voters, {} recent", static_cast<int>(evidence), window, recent));
                Ballot ballot(spec_of(2, 3, 16), GetParam(), {300, window, 131}, 77);
                ballot.input().evidence = evidence;
                ballot.input().prefix = 300 - recent;
                ballot.check();
            }
        }
    }
}

// Votes in the rows of the window itself too, over one view and two, and where every row is voted on.
TEST_P(Votes, CountWhoGivesMoreThanAnEvenShare) {
    for (const Prompt prompt : {Prompt{300, 40, 131}, {130, 130}, {1000, 57}}) {
        for (const std::uint32_t recent : {0U, 10U}) {
            SCOPED_TRACE(testing::Message() << "n " << prompt.n << ", recent " << recent);
            Ballot ballot(spec_of(2, 3, 16), GetParam(), prompt, 78);
            ballot.input().evidence = Evidence::Pivotal;
            ballot.input().prefix = prompt.n - recent;
            ballot.check_pivotal();
        }
    }
}

TEST(Vote, OfOneTokenCoversEveryRow) {
    Ballot ballot(spec_of(2, 2, 16), KvType::F32, {901, 1, 400}, 79);
    ballot.input().prefix = 901;
    ballot.check();
}

TEST(Vote, TellsItsBytesBeforehand) {
    // 968 votes of one head, and a maximum and a sum for each of 32 queries in two pieces.
    EXPECT_EQ(vote_bytes(spec_of(1, 1, 8), 1000, 968, 32), (968 + 2 * 32 * 2) * sizeof(float));
    EXPECT_EQ(vote_bytes(spec_of(1, 1, 8), 1000, 990, 32, Evidence::Pivotal), (2 * 990 + 2 * 32 * 2) * sizeof(float));
    const AttentionSpec spec{.heads = 6, .kv_heads = 3, .key_size = 8, .value_size = 8};
    EXPECT_EQ(vote_bytes(spec, 3500, 3484, 16), (6 * 3484 + 5 * 6 * 16 * 2) * sizeof(float));
}

TEST(Vote, StopsWhenAsked) {
    const std::atomic<bool> stop{true};
    Halt halt{Stop(&stop)};
    Ballot ballot(spec_of(2, 2, 16), KvType::F32, {3000, 32}, 16);
    ballot.input().halt = &halt;
    EXPECT_EQ(run(ballot.input(), 2).size(), std::size_t{4} * 2968) << "what is in them says nothing";
}

}  // namespace
}  // namespace snapkv::attention

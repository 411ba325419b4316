#include <gtest/gtest.h>

#include <filesystem>
#include <tuple>

#include "run/tiny_run.h"
#include "support/float32.h"
#include "support/sanitizers.h"

namespace snapkv {
namespace {

using test::branch_of;
using test::full_cache;
using test::snapkv_cache;

/// Rows that are stored as q8_0 or q4_0, rotated or not, after a prefill over exact ones.
class Quantised : public ::testing::TestWithParam<std::tuple<KvTypes, bool>> {
protected:
    static constexpr std::uint32_t kSize = 64;
    static constexpr std::size_t kPrompt = 300;

    attention::cpu::OnlySet only_ = test::float32_kernels();
    test::TinyRun run_{test::TinyShape{.key_size = kSize, .value_size = kSize}};
    Session session_ = run_.session(128);
    std::vector<Token> prompt_ = test::random_tokens(kPrompt, 131);

    [[nodiscard]] static KvTypes types() { return std::get<0>(GetParam()); }
    [[nodiscard]] static bool rotated() { return std::get<1>(GetParam()); }
    /// The same cache stored as the parameter says.
    [[nodiscard]] static CacheConfig stored(CacheConfig cache) {
        cache.type = types();
        cache.rotate = rotated();
        return cache;
    }
    [[nodiscard]] static CacheConfig all_rows() { return stored(full_cache()); }
    [[nodiscard]] static CacheConfig some_rows() { return stored(snapkv_cache(100, 16)); }

    Sequence prefilled(const CacheConfig & cache) { return test::prefill_one(session_, branch_of(prompt_, cache)); }

    /// What the logits after some further tokens lose against the same cache in f16.
    double loss(const CacheConfig & cache) {
        CacheConfig exact = cache;
        exact.type = KvType::F16;
        Sequence one = prefilled(exact);
        Sequence other = prefilled(cache);
        double total = 0;
        for (const std::size_t count : {1U, 1U, 30U, 1U, 90U, 1U}) {
            const std::vector<Token> tokens = test::random_tokens(count, 132);
            session_.append(one, tokens);
            session_.append(other, tokens);
            total += test::nmse(other.logits(), one.logits()) / 6;
        }
        return total;
    }
    [[nodiscard]] double tolerance() const {
        return types().key == KvType::Q4_0 || types().value == KvType::Q4_0 ? 0.1 : 1e-3;
    }
};

TEST_P(Quantised, PromptIsReadExactly) {
    const CacheConfig exact = snapkv_cache(100, 16, KvType::F16);
    const Sequence wanted = prefilled(exact);
    const Sequence found = prefilled(some_rows());
    EXPECT_TRUE(test::same_bits(found.logits(), wanted.logits()));
    EXPECT_EQ(found.kept_positions(), wanted.kept_positions());
}

TEST_P(Quantised, TakesTheBytesOfItsBlocks) {
    const test::TinyShape & shape = run_.tiny.shape;
    const std::uint64_t rows = std::uint64_t{shape.layers} * shape.kv_heads;
    const std::uint64_t row = kv_row_bytes(types().key, kSize) + kv_row_bytes(types().value, kSize);
    EXPECT_EQ(prefilled(all_rows()).cache_stats().bytes_kept, rows * kPrompt * row);
    const Sequence compressed = prefilled(some_rows());
    EXPECT_EQ(compressed.cache_stats().bytes_kept, rows * 100 * row);
    EXPECT_EQ(compressed.cache_stats().bytes_full, rows * kPrompt * row);
}

TEST_P(Quantised, LosesLittle) {
    EXPECT_LT(loss(all_rows()), tolerance());
    EXPECT_LT(loss(some_rows()), tolerance());
}

TEST_P(Quantised, AgreesWithThePortablePath) {
    SessionOptions options;
    options.threads = 1;
    options.batch = 128;
    options.attention = AttentionPath::Portable;
    Session portable = run_.session(options);
    for (const CacheConfig & cache : {all_rows(), some_rows()}) {
        Sequence one = prefilled(cache);
        Sequence other = test::prefill_one(portable, branch_of(prompt_, cache));
        for (const std::size_t count : {1U, 70U, 5U}) {
            const std::vector<Token> tokens = test::random_tokens(count, 133);
            session_.append(one, tokens);
            portable.append(other, tokens);
            // The rows are nearly the same, but some of their elements fall to the other side of a rounding.
            EXPECT_LT(test::nmse(other.logits(), one.logits()), 1e-2 * tolerance()) << count;
        }
    }
}

TEST_P(Quantised, AFullBudgetHasTheBitsOfTheFullCache) {
    Sequence full = prefilled(all_rows());
    Sequence other = prefilled(stored(snapkv_cache(4000, 16)));
    EXPECT_FALSE(other.cache_stats().compressed);
    EXPECT_EQ(test::greedy(session_, full, 12), test::greedy(session_, other, 12));
    EXPECT_TRUE(test::same_bits(full.logits(), other.logits()));
}

TEST_P(Quantised, BranchesOfSeveralTypesAreAsAlone) {
    std::vector<Branch> branches;
    for (const KvTypes type : {KvTypes(KvType::F16), types(), KvTypes(KvType::Q8_0), types()}) {
        const auto suffix = test::random_tokens(branches.size() * 7, static_cast<std::uint32_t>(branches.size()));
        const std::vector<Token> prompt = test::joined(prompt_, suffix);
        branches.push_back(
            branch_of(prompt, branches.size() % 2 == 0 ? full_cache(type) : snapkv_cache(100, 40, type)));
        branches.back().cache.rotate = rotated();
    }
    branches.push_back(branch_of(prompt_, all_rows()));
    branches.push_back(branches.back());
    branches.back().cache.rotate = !rotated();
    PrefillResult together = session_.prefill(branches);
    ASSERT_EQ(together.sequences.size(), branches.size());
    for (std::size_t index = 0; index < branches.size(); ++index) {
        SCOPED_TRACE(index);
        Sequence alone = test::prefill_one(session_, branches[index]);
        Sequence & found = together.sequences[index];
        EXPECT_EQ(found.cache_stats().bytes_kept, alone.cache_stats().bytes_kept);
        EXPECT_LT(test::nmse(found.logits(), alone.logits()), 1e-5);
        test::expect_same_answers(session_, alone, found, 8);
    }
}

TEST_P(Quantised, EstimateCountsItsBytes) {
    for (const CacheConfig & cache : {all_rows(), some_rows()}) {
        const Branch branch = branch_of(test::random_tokens(test::kSanitized ? 700 : 2000, 134), cache);
        const std::uint64_t estimated = session_.estimate({&branch, 1}, 0).cache_bytes;
        EXPECT_EQ(estimated, session_.prefill({&branch, 1}).stats.cache_bytes_peak);
    }
}

TEST_P(Quantised, TheRotationChangesTheRows) {
    CacheConfig other = some_rows();
    other.rotate = !rotated();
    Sequence one = prefilled(some_rows());
    Sequence two = prefilled(other);
    EXPECT_TRUE(test::same_bits(one.logits(), two.logits()));
    session_.append(one, test::random_tokens(1, 137));
    session_.append(two, test::random_tokens(1, 137));
    EXPECT_FALSE(test::same_bits(one.logits(), two.logits()));
    EXPECT_LT(test::nmse(one.logits(), two.logits()), 2 * tolerance());
}

TEST_P(Quantised, ASavedCacheGoesOnWithTheSameBits) {
    Sequence sequence = prefilled(some_rows());
    test::greedy(session_, sequence, 5);
    const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "quantised.kv";
    EXPECT_TRUE(session_.save(sequence, path));
    Sequence loaded = session_.load(path);
    std::filesystem::remove(path);
    EXPECT_EQ(loaded.cache_stats().config.type, types());
    EXPECT_EQ(loaded.cache_stats().config.rotate, rotated());
    EXPECT_EQ(test::greedy(session_, loaded, 10), test::greedy(session_, sequence, 10));
    EXPECT_TRUE(test::same_bits(loaded.logits(), sequence.logits()));
}

std::string stored_name(const ::testing::TestParamInfo<std::tuple<KvTypes, bool>> & info) {
    const auto name = [](KvType type) { return type == KvType::Q8_0 ? "Q8" : type == KvType::Q4_0 ? "Q4" : "F16"; };
    const auto & [types, rotated] = info.param;
    return std::string(name(types.key)) + name(types.value) + (rotated ? "" : "Unrotated");
}
INSTANTIATE_TEST_SUITE_P(Types, Quantised,
                         ::testing::Combine(::testing::Values(KvTypes(KvType::Q8_0), KvTypes(KvType::Q4_0),
                                                              KvTypes(KvType::Q8_0, KvType::Q4_0),
                                                              KvTypes(KvType::F16, KvType::Q8_0)),
                                            ::testing::Bool()),
                         stored_name);

/// Float types may differ too: rows are worked on in f32 then.
TEST(MixedTypes, AreWorkedOnInTheWidest) {
    const test::TinyRun run;
    Session session = run.session();
    const std::vector<Token> prompt = test::random_tokens(200, 135);
    const std::vector<Branch> branches{branch_of(prompt, full_cache(KvType::F32)),
                                       branch_of(prompt, full_cache(KvType::F16)),
                                       branch_of(prompt, snapkv_cache(60, 16, {KvType::BF16, KvType::F32}))};
    PrefillResult result = session.prefill(branches);
    ASSERT_EQ(result.sequences.size(), 3U);
    EXPECT_EQ(result.sequences[0].cache_stats().bytes_kept, 2 * result.sequences[1].cache_stats().bytes_kept);
    for (std::size_t index = 0; index < 3; ++index) {
        Sequence alone = test::prefill_one(session, branches[index]);
        session.append(alone, test::random_tokens(3, 136));
        session.append(result.sequences[index], test::random_tokens(3, 136));
        EXPECT_LT(test::nmse(result.sequences[index].logits(), alone.logits()), 1e-3);
    }
}

}  // namespace
}  // namespace snapkv

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/reservation.h"
#include "base/resident.h"
#include "run/tiny_run.h"
#include "support/family_shapes.h"
#include "support/long_texts.h"
#include "support/random_family.h"
#include "support/sanitizers.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

constexpr std::uint64_t kMebibyte = 1U << 20U;

/// What a prefill promises of memory, on a deep and narrow model: many layers, one query head and one KV head of 64.
test::TinyShape deep_and_narrow() {
    return {.layers = 32,
            .heads = 1,
            .kv_heads = 1,
            .key_size = 64,
            .value_size = 64,
            .width = 64,
            .feed_forward = 64,
            .context = 65536};
}

CacheConfig budget_of(std::uint32_t rows) {
    CacheConfig cache = test::snapkv_cache(rows, 32, KvType::F16);
    return cache;
}

void expect_growth_is_accounted(const PrefillStats & stats) {
    if (test::kSanitized) {
        return;  // a sanitizer keeps freed memory and shadows the rest: resident memory says nothing of the engine
    }
    EXPECT_LE(stats.rss_anon_growth, stats.accounted_bytes_peak + 32 * kMebibyte);
    EXPECT_GT(stats.rss_anon_growth, 0U);
}

/// The engine's estimate before the run against its own sum during the run.
void expect_estimate(Session & session, const Branch & branch, const PrefillStats & stats) {
    const Estimate estimate = session.estimate({&branch, 1}, 0);
    const auto sum = static_cast<double>(estimate.hidden_bytes + estimate.cache_bytes + estimate.compute_bytes);
    EXPECT_NEAR(sum / static_cast<double>(stats.accounted_bytes_peak), 1, 0.02);
    EXPECT_EQ(estimate.cache_bytes, stats.cache_bytes_peak);
    EXPECT_EQ(estimate.prompt_tokens, branch.prompt.tokens.size());
    EXPECT_GT(estimate.seconds, 0);
}

TEST(Memory, OfALongPromptIsATenthOfTheFullCache) {
    // The same ratio for any length that is many times the budget.
    const std::uint32_t tokens = test::long_texts() ? 32768 : test::kSanitized ? 2048 : 8192;
    const test::TinyRun run(deep_and_narrow());
    Session session = run.session(512);
    const Branch branch = test::branch_of(test::random_tokens(tokens, 121), budget_of(tokens / 32));
    const PrefillResult result = session.prefill({&branch, 1});
    ASSERT_EQ(result.sequences.size(), 1U);
    const CacheStats & cache = result.sequences[0].cache_stats();
    EXPECT_EQ(cache.bytes_full, std::uint64_t{32} * tokens * 2 * 64 * 2);
    EXPECT_LE(result.stats.cache_bytes_peak, cache.bytes_full / 10);
    expect_growth_is_accounted(result.stats);
    expect_estimate(session, branch, result.stats);
}

TEST(Memory, OfAShortPromptIsEstimated) {
    const test::TinyRun run;
    Session session = run.session(512);
    const Branch branch = test::branch_of(test::random_tokens(2000, 122), budget_of(256));
    const PrefillResult result = session.prefill({&branch, 1});
    expect_growth_is_accounted(result.stats);
    expect_estimate(session, branch, result.stats);
}

TEST(Memory, OfAFullCacheIsEstimated) {
    const test::TinyRun run;
    Session session = run.session(512);
    const Branch branch = test::branch_of(test::random_tokens(2000, 123), test::full_cache(KvType::F16));
    const PrefillResult result = session.prefill({&branch, 1});
    EXPECT_EQ(result.stats.cache_bytes_peak, result.sequences[0].cache_stats().bytes_full);
    expect_estimate(session, branch, result.stats);
}

TEST(Memory, OfOneThatGoesOnEvictingIsEstimated) {
    const test::TinyRun run;
    Session session = run.session(512);
    for (const Policy policy : {Policy::Streaming, Policy::Tova, Policy::H2O, Policy::ScissorHands}) {
        for (const std::uint32_t tokens : {2000U, 200U}) {
            const Branch branch =
                test::branch_of(test::random_tokens(tokens, 124), test::policy_cache(policy, 256, KvType::F16));
            const PrefillResult result = session.prefill({&branch, 1});
            expect_estimate(session, branch, result.stats);
        }
    }
}

TEST(Memory, OfBranchesIsEstimated) {
    const test::TinyRun run;
    Session session = run.session(256);
    const std::vector<Token> trunk = test::random_tokens(1200, 124);
    std::vector<Branch> branches;
    for (std::uint32_t index = 0; index < 6; ++index) {
        branches.push_back(test::branch_of(test::joined(trunk, test::random_tokens(20 + index, 130 + index)),
                                           index % 3 == 0 ? test::full_cache(KvType::F16) : budget_of(128)));
    }
    const PrefillResult result = session.prefill(branches);
    const Estimate estimate = session.estimate(branches, 0);
    const auto sum = static_cast<double>(estimate.hidden_bytes + estimate.cache_bytes + estimate.compute_bytes);
    EXPECT_NEAR(sum / static_cast<double>(result.stats.accounted_bytes_peak), 1, 0.02);
    EXPECT_EQ(estimate.cache_bytes, result.stats.cache_bytes_peak);
    EXPECT_EQ(estimate.prompt_tokens, result.stats.computed_tokens);
}

TEST(Memory, OfAnAnswerIsPartOfTheEstimate) {
    const test::TinyRun run;
    Session session = run.session(256, 1);
    const Branch branch = test::branch_of(test::random_tokens(300, 125), budget_of(128));
    const std::uint64_t without = session.estimate({&branch, 1}, 0).bytes_needed;
    const std::uint64_t with = session.estimate({&branch, 1}, 1000).bytes_needed;
    EXPECT_EQ(with - without, 1000 * run.model.info().cache_bytes_per_token(KvType::F16));
    // No answer is longer than the context.
    const std::uint64_t longest = session.estimate({&branch, 1}, 1'000'000).bytes_needed;
    EXPECT_EQ(longest - without, (session.context() - 300) * run.model.info().cache_bytes_per_token(KvType::F16));
}

/// What is set aside in this process; others change what is available meanwhile.
std::uint64_t set_aside() {
    const std::uint64_t unreserved = unreserved_memory();
    const std::uint64_t available = available_memory();
    return available > unreserved ? available - unreserved : 0;
}

TEST(Memory, IsSetAsideUntilItIsTaken) {
    constexpr std::uint64_t kNoise = 48 * kMebibyte;
    const test::TinyRun run(deep_and_narrow());
    Session session = run.session(512);
    const Branch branch = test::branch_of(test::random_tokens(16384, 127), test::full_cache());
    const std::uint64_t needed = session.estimate({&branch, 1}, 0).bytes_needed;
    ASSERT_GT(needed, 4 * kNoise);
    EXPECT_LT(set_aside(), kNoise);
    {
        PrefillTask task = session.begin_prefill({&branch, 1});
        EXPECT_NEAR(static_cast<double>(set_aside()), static_cast<double>(needed), kNoise);
        task.advance();
        const PrefillTask other = session.begin_prefill({&branch, 1});
        EXPECT_GT(set_aside(), needed + needed / 2);
    }
    EXPECT_LT(set_aside(), kNoise);
    const Branch small = test::branch_of(test::random_tokens(300, 128), test::full_cache());
    PrefillTask task = session.begin_prefill({&small, 1});
    while (task.advance()) {
    }
    EXPECT_LT(set_aside(), kNoise) << "what is done needs no more";
}

TEST(Memory, IsSetAsideForRowsThatTheCallerGives) {
    constexpr std::uint64_t kNoise = 48 * kMebibyte;
    const test::TinyRun run(deep_and_narrow());
    Session session = run.session(512);
    const ModelInfo & model = run.model.info();
    const std::vector<float> keys(std::size_t{256} * model.key_size);
    const std::vector<float> values(std::size_t{256} * model.value_size);
    std::uint64_t at_first = 0;
    RowProvider provider;
    provider.rows = [&](const HeadToFill & head, std::span<const Position> positions) {
        if (head.layer == 0 && head.kv_head == 0) {
            at_first = set_aside();
        }
        return std::vector<FloatRows>(positions.size() / 256, {keys, values});
    };
    const Sequence made = *session.make_sequence(test::random_tokens(16384, 127), test::full_cache(), provider);
    const std::uint64_t bytes = made.cache_stats().bytes_kept;
    ASSERT_GT(bytes, 4 * kNoise);
    const std::uint64_t rest = bytes - bytes / model.layers;
    EXPECT_NEAR(static_cast<double>(at_first), static_cast<double>(rest), kNoise);
    EXPECT_LT(set_aside(), kNoise);
}

TEST(Memory, IsGivenBackWithTheSequences) {
    const test::TinyRun run;
    Session session = run.session(256, 1);
    const Branch branch = test::branch_of(test::random_tokens(600, 126), budget_of(128));
    const std::uint64_t first = session.prefill({&branch, 1}).stats.cache_bytes_peak;
    EXPECT_EQ(session.prefill({&branch, 1}).stats.cache_bytes_peak, first);
}

/// Resident bytes of what is mapped from files.
std::uint64_t resident_file_bytes() {
    std::ifstream file("/proc/self/status");
    std::uint64_t kilobytes = 0;
    for (std::string word; file >> word;) {
        if (word == "RssFile:" && file >> kilobytes) {
            break;
        }
    }
    return kilobytes * 1024;
}

// A long prompt wants all experts of a layer, and then not again: no more than a layer or two are resident.
TEST(Memory, OfExpertsIsGivenBackLayerByLayer) {
    if (test::kSanitized) {
        return;
    }
    const test::TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "model.gguf";
    test::FamilyShape shape = test::family_shape("qwen3moe");
    shape.layers = 6;
    shape.expert_feed_forward = 256;
    shape.context = 4096;
    test::write_random_family(shape, path);
    const std::uint64_t layer_bytes =
        std::uint64_t{3} * shape.experts * shape.expert_feed_forward * shape.width * sizeof(float);
    Session session(Model::load(path), {.threads = 1});
    const Branch branch = test::branch_of(test::random_tokens(2048, 1), test::snapkv_cache(128, 16, KvType::F16));
    const std::uint64_t before = resident_file_bytes();
    std::uint64_t most = 0;
    static_cast<void>(session.prefill({&branch, 1}, {}, {.progress = [&](const CallProgress &) {
                                          const std::uint64_t now = resident_file_bytes();
                                          most = std::max(most, now > before ? now - before : 0);
                                      }}));
    EXPECT_GT(most, layer_bytes / 2) << "they were used";
    EXPECT_LT(most, 2 * layer_bytes);
}

}  // namespace
}  // namespace snapkv

// Turns that are shrunk and observed in models whose layers slide, recur or share keys and values.
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <numeric>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include "run/loaded_family.h"
#include "run/seen_attention.h"
#include "run/tiny_run.h"
#include "snapkv/error.h"

namespace snapkv {
namespace {

class TurnsOfFamilies : public ::testing::TestWithParam<const char *> {};

TEST_P(TurnsOfFamilies, GoOnAfterTheyAreShrunk) {
    const test::LoadedFamily family(GetParam(), 2048);
    Session session = family.session();
    Sequence sequence =
        test::prefill_one(session, test::branch_of(test::random_tokens(300, 1), test::full_cache(KvType::F32)));
    session.append(sequence, test::random_tokens(600, 2));
    Sequence plain = sequence.fork();
    const std::vector<Token> message = test::random_tokens(300, 3);
    std::mutex guard;
    std::size_t shown = 0;
    const Observer observer{2, [&](const AttentionRow & row) {
                                const double sum = std::accumulate(row.weights.begin(), row.weights.end(), 0.0);
                                const std::lock_guard lock(guard);
                                EXPECT_LT(sum, 1.0001);
                                EXPECT_GT(sum, 0.01) << "a sink may take the most";
                                ++shown;
                            }};
    // All rows but one: as good as nothing is lost.
    const AppendStats stats =
        session.append(sequence, message, {.compress = test::snapkv_cache(599, 64), .observer = observer});
    EXPECT_TRUE(stats.turns.compressed) << stats.turns.reason;
    session.append(plain, message);
    EXPECT_TRUE(test::same_bits(sequence.logits(), plain.logits()));
    const ModelInfo & info = session.model().info();
    EXPECT_EQ(shown, std::size_t{2} * info.attending_layers * info.heads);
    const std::vector<LayerAttention> attention = session.model().info().attention;
    const KeptPositions kept = sequence.kept_positions();
    for (std::size_t layer = 0; layer < attention.size(); ++layer) {
        for (const std::vector<Position> & head : kept[layer]) {
            EXPECT_TRUE(std::ranges::is_sorted(head));
            if (attention[layer].window == 0) {
                EXPECT_EQ(head.size(), 1199U);
            } else {
                const std::uint32_t window = attention[layer].window;
                EXPECT_TRUE(std::ranges::includes(head, positions_from(Position{1200 - window}, window)));
            }
        }
    }
    for (const std::size_t count : {1U, 5U, 200U}) {
        const std::vector<Token> next = test::random_tokens(count, 4);
        session.append(sequence, next);
        session.append(plain, next);
        EXPECT_LT(test::nmse(sequence.logits(), plain.logits()), 2e-2) << count;  // a router may choose otherwise
    }
    std::stringstream stream;
    ASSERT_TRUE(session.save(sequence, stream));
    Sequence loaded = session.load(stream, "stream");
    EXPECT_EQ(test::greedy(session, loaded, 3), test::greedy(session, sequence, 3));
}

/// A message of several chunks, of which sliding layers let the first rows go.
TEST_P(TurnsOfFamilies, KeepWhatSlidingLayersSee) {
    const test::LoadedFamily family(GetParam(), 4096);
    Session session = family.session();
    const ModelInfo & info = session.model().info();
    if (std::ranges::all_of(info.attention, [](const LayerAttention & layer) { return layer.window == 0; })) {
        GTEST_SKIP() << "no layer slides";
    }
    Sequence sequence =
        test::prefill_one(session, test::branch_of(test::random_tokens(300, 1), test::full_cache(KvType::F32)));
    session.append(sequence, test::random_tokens(520, 2));
    const std::vector<Token> message = test::random_tokens(400, 3);
    ASSERT_TRUE(session.append(sequence, message, {.compress = test::snapkv_cache(519, 64)}).turns.compressed);
    std::stringstream stream;
    ASSERT_TRUE(session.save(sequence, stream));
    const Sequence loaded = session.load(stream, "stream");
    for (std::size_t tokens = 821; tokens < 1220; ++tokens) {
        Sequence cut = loaded.fork();
        try {
            cut.truncate(tokens);
        } catch (const Error & error) {
            EXPECT_LT(tokens, 900U) << error.what();
            continue;
        }
        // What a layer sees of its window it has without a gap.
        const KeptPositions kept = cut.kept_positions();
        for (std::size_t layer = 0; layer < kept.size(); ++layer) {
            const std::uint32_t window = info.attention[layer].window;
            if (window > 0) {
                EXPECT_EQ(kept[layer][0][kept[layer][0].size() - (window - 1)],
                          Position{static_cast<std::uint32_t>(tokens) - window})
                    << layer;
            }
        }
    }
    for (int turn = 0; turn < 30; ++turn) {
        ASSERT_TRUE(session.append(sequence, test::random_tokens(20, 5), {.compress = test::snapkv_cache(8, 16)})
                        .turns.compressed);
    }
    const KeptPositions kept = sequence.kept_positions();
    for (std::size_t layer = 0; layer < kept.size(); ++layer) {
        const std::uint32_t window = info.attention[layer].window;
        EXPECT_TRUE(window == 0 || kept[layer][0].size() < 4 * window) << "rows that nobody sees go";
    }
}

TEST_P(TurnsOfFamilies, AreObservedChunkByChunk) {
    const test::LoadedFamily family(GetParam(), 2048);
    Session session = family.session();
    Sequence sequence =
        test::prefill_one(session, test::branch_of(test::random_tokens(100, 1), test::full_cache(KvType::F32)));
    test::Seen shown;
    session.append(sequence, test::random_tokens(600, 2), {.observer = shown.observer(600)});
    const ModelInfo & info = session.model().info();
    EXPECT_EQ(shown.rows().size(), std::size_t{600} * info.attending_layers * info.heads);
    for (const auto & [at, weights] : shown.rows()) {
        const std::uint32_t window = info.attention[std::get<0>(at)].window;
        const std::size_t seen = window > 0 ? std::min<std::size_t>(window, weights.size()) : weights.size();
        const double sum = std::accumulate(weights.end() - static_cast<std::ptrdiff_t>(seen), weights.end(), 0.0);
        ASSERT_GT(sum, 0.01) << std::get<0>(at) << ", " << std::get<2>(at);
        ASSERT_LT(sum, 1.0001);
        ASSERT_EQ(std::accumulate(weights.begin(), weights.end() - static_cast<std::ptrdiff_t>(seen), 0.0), 0.0);
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TurnsOfFamilies, ::testing::Values("llama", "gemma3", "gpt-oss", "deepseek2", "qwen35"),
                         [](const auto & param) {
                             std::string name = param.param;
                             std::erase(name, '-');
                             return name;
                         });

}  // namespace
}  // namespace snapkv

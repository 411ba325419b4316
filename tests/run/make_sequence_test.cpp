// Sequences from rows that the caller gives: stored as they were given, and as good as those that a prefill leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "attention/oracle.h"
#include "kv/rotate.h"
#include "kv/row_codec.h"
#include "run/loaded_family.h"
#include "run/sequence_impl.h"
#include "run/tiny_run.h"
#include "support/error_of.h"
#include "support/positions.h"

namespace snapkv {
namespace {

namespace oracle = attention::test;
using test::full_cache;
using test::snapkv_cache;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

/// Rows of all heads as floats, for provider() to give away: [layer][KV head].
struct Rows {
    struct Head {
        std::vector<float> keys;
        std::vector<float> values;
    };
    std::vector<std::vector<Head>> heads;
    KeptPositions kept;  ///< empty: every position is kept, and the provider has no word in it
    std::size_t key_size = 0;
    std::size_t value_size = 0;            ///< 0: values are part of the keys
    std::vector<std::size_t> pieces = {};  ///< their rows, in turn; empty: one piece

    [[nodiscard]] std::vector<FloatRows> cut(const Head & head, std::size_t rows) const {
        std::vector<FloatRows> result;
        for (std::size_t row = 0; row < rows;) {
            const std::size_t wanted = pieces.empty() ? rows : pieces[result.size() % pieces.size()];
            const std::size_t count = std::min(wanted, rows - row);
            result.push_back({std::span(head.keys).subspan(row * key_size, count * key_size),
                              std::span(head.values).subspan(row * value_size, count * value_size)});
            row += count;
        }
        return result;
    }
    [[nodiscard]] RowProvider provider() const {
        RowProvider provider;
        if (!kept.empty()) {
            provider.positions = [this](const HeadToFill & head) { return kept[head.layer][head.kv_head]; };
        }
        provider.rows = [this](const HeadToFill & head, std::span<const Position> positions) {
            return cut(heads[head.layer][head.kv_head], positions.size());
        };
        return provider;
    }
};

Rows random_rows(const ModelInfo & model, std::uint32_t rows, std::uint32_t seed) {
    test::Random random(seed);
    Rows result{.heads = {}, .kept = {}, .key_size = model.key_size, .value_size = model.value_size};
    for (std::uint32_t layer = 0; layer < model.layers; ++layer) {
        auto & heads = result.heads.emplace_back();
        for (std::uint32_t head = 0; head < model.kv_heads; ++head) {
            heads.push_back({random.numbers(std::size_t{rows} * model.key_size, 0, 1),
                             random.numbers(std::size_t{rows} * model.value_size, 0, 1)});
        }
    }
    return result;
}

/// Each head another `count` positions of `depth`, the first and the last among them.
KeptPositions some_positions(const ModelInfo & model, std::uint32_t count, std::uint32_t depth) {
    KeptPositions kept(model.layers);
    for (std::uint32_t layer = 0; layer < model.layers; ++layer) {
        for (std::uint32_t head = 0; head < model.kv_heads; ++head) {
            std::vector<Position> & positions = kept[layer].emplace_back();
            for (std::uint32_t i = 0; i + 1 < count; ++i) {
                positions.push_back(Position{i * (depth - 1) / count + (i > 0 ? (layer + head) % 2 : 0)});
            }
            positions.push_back(Position{depth - 1});
        }
    }
    return kept;
}

std::vector<float> logits_after(Session & session, Sequence & sequence, std::span<const Token> tokens) {
    for (const Token token : tokens) {
        session.append(sequence, {&token, 1});
    }
    return {sequence.logits().begin(), sequence.logits().end()};
}

constexpr std::uint32_t kDepth = 700;

class MakeSequence : public testing::Test {
protected:
    test::TinyRun run_{test::TinyShape{.key_size = 64, .value_size = 32}};
    Session session_ = run_.session();
    std::vector<Token> tokens_ = test::random_tokens(kDepth, 3);

    [[nodiscard]] const ModelInfo & info() const { return run_.model.info(); }
    [[nodiscard]] Sequence make(const Rows & rows, const CacheConfig & cache) {
        return *session_.make_sequence(tokens_, cache, rows.provider());
    }
    /// The message of what is thrown for `rows`, and that nothing of them is left.
    [[nodiscard]] std::string refusal(ErrorKind kind, const RowProvider & rows, const CacheConfig & cache) {
        std::string message =
            test::error_of(kind, [&] { static_cast<void>(session_.make_sequence(tokens_, cache, rows)); });
        const Sequence empty = *session_.make_sequence({}, full_cache(), Rows{}.provider());
        EXPECT_EQ(Internals::of(empty).arena->meter().alive(), 0U) << message;
        return message;
    }
};

/// The stored bytes of every row are those of the row that was given, and mean it.
void expect_stored(const Sequence & sequence, const Rows & given, const KeptPositions & kept) {
    const Sequence::Impl & impl = Internals::of(sequence);
    ASSERT_EQ(impl.rows.segments.size(), 1U);
    EXPECT_EQ(sequence.kept_positions(), kept);
    for (std::uint32_t layer = 0; layer < kept.size(); ++layer) {
        const kv::LayerRows & rows = impl.rows.segments.front()->layer(layer);
        const kv::LayerShape & shape = rows.shape();
        const auto compare = [](const std::byte * found, const float * expected, std::size_t size, KvType type,
                                std::size_t stretch) {
            std::vector<std::byte> stored(kv_row_bytes(type, size));
            kv::encode_row(expected, size, type, stretch, stored.data());
            ASSERT_EQ(std::memcmp(found, stored.data(), stored.size()), 0);
            const std::vector<double> read =
                (stretch > 1 ? oracle::restored_row : oracle::stored_row)(found, size, type);
            // Of the float types half a step, of the others half a step of the largest in each of `size` places.
            const double share = type == KvType::F32 ? 0 : type == KvType::F16 ? 1.0 / 2048 : 1.0 / 256;
            const double step = type == KvType::Q8_0 ? 0.02 : type == KvType::Q4_0 ? 0.4 : 0;
            for (std::size_t i = 0; i < size; ++i) {
                const double bound = is_quantised(type) ? step * 3 : share * std::abs(expected[i]) + 1e-7;
                ASSERT_NEAR(read[i], expected[i], bound);
            }
        };
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            const kv::HeadRows view = rows.head(head);
            const Rows::Head & from = given.heads[layer][head];
            for (std::size_t row = 0; row < view.rows; ++row) {
                compare(view.keys + row * shape.key_bytes(), from.keys.data() + row * shape.key_size, shape.key_size,
                        shape.type.key, kv::key_rotation(shape));
                compare(view.values + row * shape.value_stride(), from.values.data() + row * shape.value_size,
                        shape.value_size, shape.type.value, kv::value_rotation(shape));
            }
        }
    }
}

KeptPositions every_position(const ModelInfo & model, std::uint32_t depth) {
    return {model.layers, {model.kv_heads, positions_from(Position{0}, depth)}};
}

TEST_F(MakeSequence, StoresWhatItIsGivenRoundedToTheType) {
    for (const KvTypes type : {KvTypes(KvType::F32), KvTypes(KvType::F16), KvTypes(KvType::BF16), KvTypes(KvType::Q8_0),
                               KvTypes(KvType::Q4_0), KvTypes(KvType::Q8_0, KvType::F16)}) {
        for (const bool rotate : {true, false}) {
            CacheConfig cache = full_cache(type);
            cache.rotate = rotate;
            Rows rows = random_rows(info(), kDepth, 1);
            expect_stored(make(rows, cache), rows, every_position(info(), kDepth));
            rows.kept = some_positions(info(), 91, kDepth);
            expect_stored(make(rows, cache), rows, rows.kept);
        }
    }
}

/// What a model's own rows are, computed by plain loops, gives what the model says.
TEST_F(MakeSequence, OfTheModelsOwnRowsContinuesAsTheModelDoes) {
    test::NaiveModel naive = run_.naive();
    const auto text = std::span<const Token>(tokens_).first(150);
    naive.feed(text);
    for (const KeptPositions & kept : {KeptPositions(), some_positions(info(), 40, 150)}) {
        const KeptPositions positions = kept.empty() ? every_position(info(), 150) : kept;
        Rows rows{.heads = {}, .kept = kept, .key_size = info().key_size, .value_size = info().value_size};
        for (std::uint32_t layer = 0; layer < info().layers; ++layer) {
            auto & heads = rows.heads.emplace_back(info().kv_heads);
            for (std::uint32_t head = 0; head < info().kv_heads; ++head) {
                for (const Position position : positions[layer][head]) {
                    const auto key = naive.key(layer, head, index_of(position));
                    const auto value = naive.value(layer, head, index_of(position));
                    std::transform(key.begin(), key.end(), std::back_inserter(heads[head].keys),
                                   [](double x) { return static_cast<float>(x); });
                    std::transform(value.begin(), value.end(), std::back_inserter(heads[head].values),
                                   [](double x) { return static_cast<float>(x); });
                }
            }
        }
        Sequence sequence = *session_.make_sequence(text, full_cache(), rows.provider());
        const Token next = 7;
        session_.append(sequence, {&next, 1});
        test::NaiveModel continued = naive;
        continued.keep(positions);
        continued.feed({&next, 1});
        EXPECT_LT(test::nmse(sequence.logits(), continued.last_logits()), 1e-8);
    }
}

/// All float32 rows of a sequence that was prefilled.
Rows rows_of(const Sequence & sequence, const ModelInfo & model) {
    Rows rows{.heads = {},
              .kept = sequence.kept_positions(),
              .key_size = model.key_size,
              .value_size = model.values_in_keys ? 0 : model.value_size};
    const kv::RowStore & store = Internals::of(sequence).rows;
    for (std::uint32_t layer = 0; layer < model.layers; ++layer) {
        auto & heads = rows.heads.emplace_back();
        for (const std::vector<kv::HeadRows> & views : store.views(layer)) {
            Rows::Head & head = heads.emplace_back();
            const auto append = [](std::vector<float> & to, const std::byte * from, std::size_t count) {
                const auto * floats = reinterpret_cast<const float *>(from);
                to.insert(to.end(), floats, floats + count);
            };
            for (const kv::HeadRows & view : views) {
                append(head.keys, view.keys, view.rows * rows.key_size);
                append(head.values, view.values, view.rows * rows.value_size);
            }
        }
    }
    return rows;
}

/// Latent attention keeps values in keys; half of gemma3's layers slide.
TEST(MakeSequenceOfFamilies, OfAPrefillsRowsContinuesAsThePrefilledOne) {
    for (const char * family : {"llama", "gemma3", "deepseek2"}) {
        const test::LoadedFamily loaded(family);
        Session session = loaded.session();
        const ModelInfo & model = session.model().info();
        const std::vector<Token> tokens = test::random_tokens(120, 5);
        for (const CacheConfig & cache : {full_cache(), snapkv_cache(60, 8)}) {
            Sequence prefilled = test::prefill_one(session, test::branch_of(tokens, cache));
            const Rows rows = rows_of(prefilled, model);
            Sequence made = *session.make_sequence(tokens, cache, rows.provider());
            EXPECT_EQ(made.kept_positions(), prefilled.kept_positions()) << family;
            EXPECT_EQ(made.cache_stats().rows_kept, prefilled.cache_stats().rows_kept);
            EXPECT_EQ(made.cache_stats().bytes_kept, prefilled.cache_stats().bytes_kept);
            EXPECT_EQ(made.cache_stats().compressed, prefilled.cache_stats().compressed);
            std::stringstream file;
            ASSERT_TRUE(session.save(made, file));
            Sequence loaded_again = session.load(file, "the file");
            const std::vector<Token> further = test::random_tokens(60, 6);
            const std::vector<float> expected = logits_after(session, prefilled, further);
            EXPECT_LT(test::nmse(logits_after(session, made, further), expected), 1e-10) << family;
            EXPECT_TRUE(test::same_bits(logits_after(session, loaded_again, further), made.logits())) << family;
        }
    }
}

TEST(MakeSequenceOfFamilies, AsksForWhatEachLayerSees) {
    constexpr std::uint32_t kTokens = 120;
    CacheConfig cache = snapkv_cache(60, 8);
    cache.sink = 2;
    for (const char * family : {"gemma3", "qwen3next"}) {
        const test::LoadedFamily loaded(family);
        Session session = loaded.session();
        const ModelInfo & model = session.model().info();
        const Rows rows = random_rows(model, kTokens, 8);
        RowProvider provider = rows.provider();
        std::vector<HeadToFill> asked;
        provider.rows = [&](const HeadToFill & head, std::span<const Position> positions) {
            asked.push_back(head);
            EXPECT_EQ(positions.size(), head.end - index_of(head.first));
            EXPECT_EQ(positions.front(), head.first);
            return rows.cut(rows.heads[head.layer][head.kv_head], positions.size());
        };
        Sequence sequence = *session.make_sequence(test::random_tokens(kTokens, 9), cache, provider);
        auto next = asked.begin();
        for (std::uint32_t layer = 0; layer < model.layers; ++layer) {
            const std::uint32_t window = model.attention[layer].window;
            for (std::uint32_t kv_head = 0; kv_head < model.kv_heads && !model.attention[layer].recurs; ++kv_head) {
                ASSERT_NE(next, asked.end());
                const HeadToFill & head = *next++;
                EXPECT_EQ(head.layer, layer);
                EXPECT_EQ(head.kv_head, kv_head);
                EXPECT_EQ(head.end, kTokens);
                EXPECT_EQ(index_of(head.first), window > 0 ? kTokens - window : 0);
                EXPECT_EQ(head.rows, window > 0 ? window : 60);
                EXPECT_EQ(head.sink, window > 0 ? 0U : 2U);
                EXPECT_EQ(head.recent, window > 0 ? 0U : 8U);
            }
        }
        EXPECT_EQ(next, asked.end());
        for (const float logit : logits_after(session, sequence, test::random_tokens(3, 10))) {
            ASSERT_TRUE(std::isfinite(logit)) << family;
        }
    }
}

/// One piece on one thread or many on several: also pieces that share memory, which are converted once.
TEST_F(MakeSequence, DoesNotDependOnThreadsOrPieces) {
    Session several = run_.session(512, 3);
    for (const CacheConfig & cache : {full_cache(KvType::F16), full_cache(KvType::Q4_0)}) {
        Rows rows = random_rows(info(), kDepth, 2);
        for (auto & layer : rows.heads) {
            for (Rows::Head & head : layer) {  // the last 300 rows are the first ones
                std::copy_n(head.keys.begin(), 300 * rows.key_size, head.keys.end() - 300 * 64);
                std::copy_n(head.values.begin(), 300 * rows.value_size, head.values.end() - 300 * 32);
            }
        }
        Sequence whole = make(rows, cache);
        rows.pieces = {1, 3, 255, 256, 257};
        Sequence cut = *several.make_sequence(tokens_, cache, rows.provider());
        RowProvider shared = rows.provider();
        shared.rows = [&](const HeadToFill & head, std::span<const Position>) {
            const Rows::Head & from = rows.heads[head.layer][head.kv_head];
            const auto piece = [&](std::size_t row, std::size_t count) {
                return FloatRows{std::span(from.keys).subspan(row * 64, count * 64),
                                 std::span(from.values).subspan(row * 32, count * 32)};
            };
            return std::vector<FloatRows>{piece(0, 300), piece(300, 100), piece(0, 300)};
        };
        Sequence copied = *several.make_sequence(tokens_, cache, shared);
        const std::vector<float> expected = logits_after(session_, whole, test::random_tokens(4, 11));
        EXPECT_TRUE(test::same_bits(logits_after(session_, cut, test::random_tokens(4, 11)), expected));
        EXPECT_TRUE(test::same_bits(logits_after(session_, copied, test::random_tokens(4, 11)), expected));
    }
}

TEST_F(MakeSequence, TellsWhatItHasAndCountsIt) {
    Rows rows = random_rows(info(), kDepth, 4);
    const Sequence whole = make(rows, snapkv_cache(100, 16));
    EXPECT_FALSE(whole.cache_stats().compressed);
    EXPECT_EQ(whole.cache_stats().reason, "every row was given");
    EXPECT_EQ(whole.cache_stats().rows_kept, whole.cache_stats().rows_full);
    EXPECT_EQ(session_.cache_bytes_peak(), whole.cache_stats().bytes_kept);
    EXPECT_TRUE(std::ranges::equal(whole.tokens(), tokens_));
    EXPECT_EQ(whole.prompt_tokens(), kDepth);
    rows.kept = some_positions(info(), 20, kDepth);
    const Sequence some = make(rows, full_cache());
    EXPECT_TRUE(some.cache_stats().compressed);
    EXPECT_EQ(some.cache_stats().reason, "");
    EXPECT_EQ(some.cache_stats().rows_kept, 20U * info().layers * info().kv_heads);
}

TEST_F(MakeSequence, RefusesPositionsThatCannotBe) {
    const Rows rows = random_rows(info(), kDepth, 5);
    RowProvider provider = rows.provider();
    const auto refused = [&](const std::vector<std::uint32_t> & positions) {
        provider.positions = [positions](const HeadToFill & head) {
            return test::positions(head.layer == 1 && head.kv_head == 1 ? positions : std::vector<std::uint32_t>{0});
        };
        return refusal(ErrorKind::Usage, provider, full_cache());
    };
    EXPECT_EQ(refused({}), "layer 1, KV head 1: no positions, expected at least one");
    EXPECT_EQ(refused({3, 3}), "layer 1, KV head 1: row 1 is at position 3, expected ascending ones from 0 to 699");
    EXPECT_EQ(refused({3, 9, 5}), "layer 1, KV head 1: row 2 is at position 5, expected ascending ones from 0 to 699");
    EXPECT_EQ(refused({3, kDepth}),
              "layer 1, KV head 1: row 1 is at position 700, expected ascending ones from 0 to 699");
}

TEST_F(MakeSequence, RefusesRowsOfOtherSizesAndNumbers) {
    const std::vector<float> floats(std::size_t{kDepth + 1} * 64, 0.0F);
    const auto refused = [&](const std::vector<std::pair<std::size_t, std::size_t>> & pieces) {
        RowProvider provider;
        provider.rows = [&](const HeadToFill &, std::span<const Position>) {
            std::vector<FloatRows> result;
            for (const auto & [keys, values] : pieces) {
                result.push_back({std::span(floats).first(keys), std::span(floats).first(values)});
            }
            return result;
        };
        return refusal(ErrorKind::Usage, provider, full_cache());
    };
    EXPECT_EQ(refused({}), "layer 0, KV head 0: 0 rows, expected one for each of 700 positions");
    EXPECT_EQ(refused({{699 * 64, 699 * 32}}), "layer 0, KV head 0: 699 rows, expected one for each of 700 positions");
    EXPECT_EQ(refused({{701 * 64, 701 * 32}}), "layer 0, KV head 0: 701 rows, expected one for each of 700 positions");
    EXPECT_EQ(refused({{700 * 64 - 1, 700 * 32}}),
              "layer 0, KV head 0: a piece of 44799 floats of keys and 22400 of values, expected 64 and 32 a row");
    EXPECT_EQ(refused({{64, 32}, {699 * 64, 699 * 32 + 1}}),
              "layer 0, KV head 0: a piece of 44736 floats of keys and 22369 of values, expected 64 and 32 a row");
    EXPECT_EQ(refusal(ErrorKind::Usage, {}, full_cache()), "the row provider has no function that gives rows");
}

TEST_F(MakeSequence, RefusesWhatIsNoFiniteNumberOnceItIsStored) {
    constexpr float infinite = std::numeric_limits<float>::infinity();
    constexpr float none = std::numeric_limits<float>::quiet_NaN();
    const auto refused = [&](std::size_t row, bool of_key, float element, KvType type) {
        Rows rows = random_rows(info(), 40, 6);
        rows.kept = some_positions(info(), 40, kDepth);
        Rows::Head & head = rows.heads[2][1];
        (of_key ? head.keys[row * 64 + 5] : head.values[row * 32 + 5]) = element;
        (of_key ? head.keys[39 * 64] : head.values[39 * 32]) = none;  // the first one is named
        return refusal(ErrorKind::Input, rows.provider(), full_cache(type));
    };
    EXPECT_THAT(refused(39, true, -infinite, KvType::Q8_0),
                StartsWith("layer 2, KV head 1: element 0 of the key at position 699 is nan"));
    EXPECT_EQ(
        refused(0, true, none, KvType::F32),
        "layer 2, KV head 1: element 5 of the key at position 0 is nan, expected a number of at most 3.4028235e+38");
    for (const KvType type : {KvType::F32, KvType::F16, KvType::BF16, KvType::Q8_0, KvType::Q4_0}) {
        for (const bool of_key : {true, false}) {
            EXPECT_THAT(refused(7, of_key, infinite, type), HasSubstr(of_key ? "5 of the key" : "5 of the value"));
        }
    }
    EXPECT_THAT(refused(7, false, -65536, KvType::F16), HasSubstr("is -65536, expected a number of at most 65504"));
}

TEST_F(MakeSequence, ThrowsAsAPrefillDoes) {
    const Rows rows = random_rows(info(), kDepth, 7);
    std::vector<Token> outside = tokens_;
    outside[4] = static_cast<Token>(info().vocabulary);
    test::error_of(ErrorKind::Input,
                   [&] { static_cast<void>(session_.make_sequence(outside, full_cache(), rows.provider())); });
    const std::vector<Token> beyond = test::random_tokens(4096, 1);
    test::error_of(ErrorKind::Input,
                   [&] { static_cast<void>(session_.make_sequence(beyond, full_cache(), rows.provider())); });
    test::error_of(ErrorKind::Usage, [&] { static_cast<void>(make(rows, snapkv_cache(16, 16))); });
}

/// What they keep is what their queries see.
TEST(MakeSequenceOfFamilies, AsksLayersThatSlideForNoPositions) {
    const test::LoadedFamily sliding("gemma3");
    Session session = sliding.session();
    const ModelInfo & model = session.model().info();
    const Rows rows = random_rows(model, 120, 3);
    RowProvider provider = rows.provider();
    std::uint32_t asked = 0;
    provider.positions = [&](const HeadToFill & head) {
        EXPECT_EQ(model.attention[head.layer].window, 0U);
        ++asked;
        return positions_from(head.first, 10);
    };
    const Sequence made = *session.make_sequence(test::random_tokens(120, 4), full_cache(), provider);
    EXPECT_GT(asked, 0U);
    const KeptPositions kept = made.kept_positions();
    for (std::uint32_t layer = 0; layer < model.layers; ++layer) {
        const std::uint32_t window = model.attention[layer].window;
        EXPECT_EQ(kept[layer].front().size(), window > 0 ? std::min(window, 120U) : 10U);
    }
}

TEST_F(MakeSequence, EndsWhenItIsToldTo) {
    const Rows rows = random_rows(info(), kDepth, 7);
    std::stop_source stop;
    RowProvider provider = rows.provider();
    provider.rows = [&](const HeadToFill & head, std::span<const Position> positions) {
        if (head.layer == 1) {
            stop.request_stop();
        }
        EXPECT_LT(head.layer, 2U);
        return rows.cut(rows.heads[head.layer][head.kv_head], positions.size());
    };
    EXPECT_FALSE(session_.make_sequence(tokens_, full_cache(), provider, {.stop = stop.get_token()}).has_value());
    provider.rows = [](const HeadToFill &, std::span<const Position>) -> std::vector<FloatRows> {
        throw std::runtime_error("the provider's own");
    };
    EXPECT_THROW(static_cast<void>(session_.make_sequence(tokens_, full_cache(), provider)), std::runtime_error);
    std::vector<std::uint64_t> told;
    CallOptions call;
    call.progress = [&](const CallProgress & progress) {
        told.push_back(progress.done);
        EXPECT_EQ(progress.total, 3U);
    };
    EXPECT_TRUE(session_.make_sequence(tokens_, full_cache(), rows.provider(), call).has_value());
    EXPECT_THAT(told, ElementsAre(0, 1, 2, 3));
}

}  // namespace
}  // namespace snapkv

#include "run/saved_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "run/begin_evicting.h"
#include "run/eviction.h"
#include "run/synthetic_sequence.h"
#include "snapkv/error.h"
#include "support/contents.h"
#include "support/positions.h"

namespace snapkv::run {
namespace {

using test::encoded;
using test::small_model;
using test::small_sequence;

constexpr std::uint32_t kContext = 1000;
const std::string kPath = "folder/cache";

Sequence::Impl decoded(const std::vector<std::byte> & contents, const SavedModel & model = small_model(),
                       std::uint32_t context = kContext) {
    return decode_sequence(bytes_in(contents), model, context, std::make_shared<kv::Arena>(), kPath);
}

/// The message of the refusal, without the path it must begin with.
std::string refusal(const std::vector<std::byte> & contents, const SavedModel & model = small_model(),
                    std::uint32_t context = kContext) {
    try {
        decoded(contents, model, context);
    } catch (const Error & error) {
        const std::string message = error.what();
        EXPECT_EQ(error.kind(), ErrorKind::Input) << message;
        EXPECT_TRUE(message.starts_with(kPath + ": ")) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        return message.substr(kPath.size() + 2);
    }
    return "not refused";
}

std::string refusal(const Sequence::Impl & sequence) {
    return refusal(encoded(small_model(), sequence));
}

void expect_same_view(const kv::HeadRows & one, const kv::HeadRows & other, const kv::LayerShape & shape) {
    ASSERT_EQ(one.rows, other.rows);
    for (std::uint32_t row = 0; row < one.rows; ++row) {
        EXPECT_EQ(one.position(row), other.position(row));
    }
    if (one.rows > 0) {
        EXPECT_EQ(one.positions == nullptr, other.positions == nullptr) << "the layout stays";
        EXPECT_EQ(std::memcmp(one.keys, other.keys, one.rows * shape.key_bytes()), 0);
        EXPECT_EQ(std::memcmp(one.values, other.values, one.rows * shape.value_bytes()), 0);
    }
}

void expect_same_rows(const Sequence::Impl & one, const Sequence::Impl & other) {
    ASSERT_EQ(one.rows.tail.shapes(), other.rows.tail.shapes());
    ASSERT_EQ(one.rows.segments.size(), other.rows.segments.size());
    EXPECT_EQ(one.rows.tail.first(), other.rows.tail.first());
    for (std::uint32_t layer = 0; layer < one.rows.tail.shapes().size(); ++layer) {
        const kv::LayerShape & shape = one.rows.tail.shapes()[layer];
        for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
            for (std::size_t segment = 0; segment < one.rows.segments.size(); ++segment) {
                expect_same_view(one.rows.segments[segment]->layer(layer).head(head),
                                 other.rows.segments[segment]->layer(layer).head(head), shape);
            }
            std::vector<kv::HeadRows> views;
            std::vector<kv::HeadRows> other_views;
            one.rows.tail.view(layer, head, views);
            other.rows.tail.view(layer, head, other_views);
            ASSERT_EQ(views.size(), other_views.size());
            for (std::size_t view = 0; view < views.size(); ++view) {
                EXPECT_EQ(views[view].first, other_views[view].first);
                expect_same_view(views[view], other_views[view], shape);
            }
        }
    }
}

TEST(SavedCodec, KeepsTheWholeState) {
    const auto arena = std::make_shared<kv::Arena>();
    const Sequence::Impl sequence = small_sequence(arena, 3);
    const Sequence::Impl back = decoded(encoded(small_model(), sequence));
    EXPECT_EQ(back.tokens, sequence.tokens);
    EXPECT_EQ(back.prompt_tokens, sequence.prompt_tokens);
    EXPECT_EQ(back.pending, sequence.pending);
    EXPECT_EQ(std::memcmp(back.logits.data(), sequence.logits.data(), back.logits.size() * sizeof(float)), 0);
    const CacheStats & stats = back.stats;
    EXPECT_EQ(stats.config.policy, Policy::SnapKV);
    EXPECT_EQ(stats.config.budget.unit, Budget::Unit::Percent);
    EXPECT_EQ(stats.config.budget.value, 12.5);
    EXPECT_EQ(stats.config.window, 3U);
    EXPECT_EQ(stats.config.recent, 2U);
    EXPECT_EQ(stats.evidence, Evidence::Top4);
    EXPECT_EQ(stats.group, GroupReduce::Sum);
    EXPECT_EQ(stats.cluster, sequence.stats.cluster);
    EXPECT_EQ(stats.recent, 2U);
    EXPECT_EQ(stats.config.sink, 1U);
    EXPECT_EQ(stats.sink, 3U);
    EXPECT_EQ(stats.config.type, KvType::F16);
    EXPECT_FALSE(stats.config.rotate);
    EXPECT_FALSE(back.rows.tail.shapes()[0].rotated);
    EXPECT_TRUE(back.rows.tail.shapes()[1].rotated);
    EXPECT_TRUE(stats.compressed);
    EXPECT_EQ(stats.reason, sequence.stats.reason);
    EXPECT_EQ(stats.budget, 8U);
    EXPECT_EQ(stats.window, 3U);
    EXPECT_TRUE(stats.window_cuts_question);
    EXPECT_EQ(stats.rows_full, std::uint64_t{1} << 40U);
    EXPECT_EQ(stats.allocation, Allocation::Heads);
    EXPECT_EQ(stats.rows_kept, 22U);
    EXPECT_EQ(stats.rows_per_head.least, 4U);
    EXPECT_EQ(stats.rows_per_head.median, 5U);
    EXPECT_EQ(stats.rows_per_head.most, 6U);
    EXPECT_EQ(stats.bytes_full, 333U);
    EXPECT_EQ(stats.bytes_kept, 44U);
}

TEST(SavedCodec, KeepsRowsOfEveryTypeAndTailsAcrossBlocks) {
    const auto arena = std::make_shared<kv::Arena>();
    for (const auto & [one, other] : {std::pair{KvType::F32, KvType::BF16}, std::pair{KvType::F16, KvType::F32},
                                      std::pair{KvType::BF16, KvType::F16}}) {
        for (const std::uint32_t tail_rows : {0U, 1U, 256U, 257U, 600U}) {
            const Sequence::Impl sequence = small_sequence(arena, tail_rows, one, other);
            const std::vector<std::byte> contents = encoded(small_model(), sequence);
            const Sequence::Impl back = decoded(contents);
            expect_same_rows(sequence, back);
            EXPECT_EQ(encoded(small_model(), back), contents);
        }
    }
}

TEST(SavedCodec, RefusesQuantisedRowsThatAreNoWholeBlocks) {
    const auto arena = std::make_shared<kv::Arena>();
    const Sequence::Impl sequence = small_sequence(arena, 0, KvType::F16, KvType::Q8_0);
    EXPECT_EQ(refusal(sequence), "damaged: quantised rows of 4 elements, expected a multiple of 32");
}

TEST(SavedCodec, KeepsEmptySegmentsAndNone) {
    const auto arena = std::make_shared<kv::Arena>();
    Sequence::Impl sequence = small_sequence(arena, 3);
    auto empty = std::make_shared<kv::Segment>();
    for (std::uint32_t layer = 0; layer < 2; ++layer) {
        empty->add_layer(test::consecutive_layer(*arena, sequence.rows.tail.shapes()[layer], layer, 0, 0));
    }
    sequence.rows.segments.insert(sequence.rows.segments.begin(), empty);
    expect_same_rows(sequence, decoded(encoded(small_model(), sequence)));
    sequence.rows.segments.clear();
    sequence.stats.config.window.reset();
    const Sequence::Impl back = decoded(encoded(small_model(), sequence));
    expect_same_rows(sequence, back);
    EXPECT_FALSE(back.stats.config.window.has_value());
}

TEST(SavedCodec, ForksShareTheSegments) {
    const auto arena = std::make_shared<kv::Arena>();
    const std::vector<std::byte> contents = encoded(small_model(), small_sequence(arena, 3));
    const Sequence loaded = Internals::make(std::make_unique<Sequence::Impl>(decoded(contents)));
    const Sequence one = loaded.fork();
    const Sequence other = loaded.fork();
    ASSERT_EQ(Internals::of(one).rows.segments.size(), 2U);
    EXPECT_EQ(Internals::of(one).rows.segments, Internals::of(loaded).rows.segments);
    EXPECT_EQ(Internals::of(other).rows.segments, Internals::of(loaded).rows.segments);
    EXPECT_EQ(one.kept_positions(), loaded.kept_positions());
    EXPECT_EQ(loaded.kept_positions()[0][2], snapkv::test::positions({0, 1, 2, 3, 18, 19, 20, 21, 22}));
}

TEST(SavedCodec, RefusesAnotherModel) {
    const auto arena = std::make_shared<kv::Arena>();
    const std::vector<std::byte> contents = encoded(small_model(), small_sequence(arena, 3));
    SavedModel other = small_model();
    other.identity[0] = 0xab;
    EXPECT_EQ(refusal(contents, other),
              "saved from another model: its identity begins with 0102030405060708, this model's with "
              "ab02030405060708");
    other = small_model();
    other.shapes[1].value_size = 3;
    EXPECT_EQ(refusal(contents, other),
              "damaged: layer 1 has 1 KV heads, keys of 4 and values of 2; the model's are 1, 4 and 3");
    other = small_model();
    other.shapes.pop_back();
    EXPECT_EQ(refusal(contents, other), "damaged: 2 layers, the model has 1");
    other = small_model();
    other.vocabulary = 8;
    EXPECT_EQ(refusal(contents, other), "damaged: a vocabulary of 7, the model's is 8");
}

TEST(SavedCodec, RefusesAnotherRopeSettingAndNamesIt) {
    const auto arena = std::make_shared<kv::Arena>();
    const std::vector<std::byte> contents = encoded(small_model(), small_sequence(arena, 3));
    SavedModel other = small_model();
    other.rope.freq_base = 500000;
    EXPECT_EQ(refusal(contents, other), "saved with another RoPE setting: RoPE base 10000, here 500000");
    other = small_model();
    other.rope.freq_scale = 0.25F;
    EXPECT_EQ(refusal(contents, other), "saved with another RoPE setting: RoPE frequency scale 1, here 0.25");
    other = small_model();
    other.rope.scaling = RopeOptions::Scaling::Yarn;
    EXPECT_EQ(refusal(contents, other), "saved with another RoPE setting: RoPE scaling linear, here yarn");
    other = small_model();
    other.rope.long_factors = true;
    EXPECT_EQ(refusal(contents, other), "saved with another RoPE setting: RoPE long factors no, here yes");
    other = small_model();
    other.rope.attention_factor = std::nextafter(1.0F, 2.0F);
    EXPECT_NE(refusal(contents, other), "not refused") << "the last bit counts";
}

TEST(SavedCodec, TheOriginalContextCountsUnderYarnOnly) {
    const auto arena = std::make_shared<kv::Arena>();
    SavedModel model = small_model();
    SavedModel other = model;
    other.rope.original_context = 4096;
    EXPECT_EQ(refusal(encoded(model, small_sequence(arena, 3)), other), "not refused");
    model.rope.scaling = other.rope.scaling = RopeOptions::Scaling::Yarn;
    EXPECT_EQ(refusal(encoded(model, small_sequence(arena, 3)), other),
              "saved with another RoPE setting: RoPE original context 0, here 4096");
}

TEST(SavedCodec, RefusesMoreTokensThanTheContext) {
    const auto arena = std::make_shared<kv::Arena>();
    const std::vector<std::byte> contents = encoded(small_model(), small_sequence(arena, 3));
    EXPECT_EQ(refusal(contents, small_model(), 24), "not refused");
    EXPECT_EQ(refusal(contents, small_model(), 23), "24 tokens, beyond the context of 23 (-c sets it)");
}

TEST(SavedCodec, RefusesWhatContradictsItself) {
    const auto arena = std::make_shared<kv::Arena>();
    Sequence::Impl sequence = small_sequence(arena, 3);
    sequence.tokens[5] = 7;
    EXPECT_EQ(refusal(sequence), "damaged: token 7 is not in the vocabulary of 7");
    sequence.tokens[5] = -1;
    EXPECT_EQ(refusal(sequence), "damaged: token -1 is not in the vocabulary of 7");

    for (const float damaged : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
        sequence = small_sequence(arena, 3);
        sequence.logits[6] = damaged;
        EXPECT_EQ(refusal(sequence), "damaged: a logit is not a finite number");
    }

    sequence = small_sequence(arena, 3);
    sequence.prompt_tokens = 24;
    EXPECT_EQ(refusal(sequence), "damaged: 24 prompt tokens among 24 tokens");
    sequence.prompt_tokens = 0;
    EXPECT_EQ(refusal(sequence), "damaged: 0 prompt tokens among 24 tokens");

    sequence = small_sequence(arena, 3);
    sequence.stats.reason = "two\nlines";
    EXPECT_EQ(refusal(sequence), "damaged: reason holds a byte that is not printable");
    sequence = small_sequence(arena, 3);
    sequence.stats.config.budget.value = std::nan("");
    EXPECT_EQ(refusal(sequence), "damaged: budget is nan, expected a finite number");
    sequence = small_sequence(arena, 3);
    sequence.stats.cluster.pooling = static_cast<Pooling>(3);
    EXPECT_EQ(refusal(sequence), "damaged: pooling is 3, expected less than 3");
}

TEST(SavedCodec, RefusesPositionsThatDoNotAscend) {
    const auto arena = std::make_shared<kv::Arena>();
    const auto refusal_of = [&](std::vector<std::vector<Position>> positions) {
        Sequence::Impl sequence = small_sequence(arena, 3);
        auto segment = std::make_shared<kv::Segment>();
        segment->add_layer(test::listed_layer(*arena, sequence.rows.tail.shapes()[0], 0, std::move(positions)));
        segment->add_layer(test::listed_layer(*arena, sequence.rows.tail.shapes()[1], 1, {{Position{5}}}));
        sequence.rows.segments[1] = segment;
        return refusal(sequence);
    };
    EXPECT_EQ(refusal_of({{Position{4}}, {Position{5}}, {Position{19}}}), "not refused");
    EXPECT_EQ(refusal_of({{Position{4}}, {Position{6}, Position{6}}, {}}),
              "damaged: layer 0, KV head 1: a row at position 6, expected 7 to 19");
    EXPECT_EQ(refusal_of({{Position{3}}, {}, {}}),
              "damaged: layer 0, KV head 0: a row at position 3, expected 4 to 19");
    EXPECT_EQ(refusal_of({{}, {}, {Position{20}}}),
              "damaged: layer 0, KV head 2: a row at position 20, expected 4 to 19");

    Sequence::Impl sequence = small_sequence(arena, 3);
    auto beyond = std::make_shared<kv::Segment>();
    for (std::uint32_t layer = 0; layer < 2; ++layer) {
        beyond->add_layer(test::consecutive_layer(*arena, sequence.rows.tail.shapes()[layer], layer, 15, 6));
    }
    sequence.rows.segments = {beyond};
    EXPECT_EQ(refusal(sequence), "damaged: layer 0, KV head 0: a row at position 20, expected 0 to 19");
}

TEST(SavedCodec, RefusesContentsCutAnywhereOrContinued) {
    const auto arena = std::make_shared<kv::Arena>();
    std::vector<std::byte> contents = encoded(small_model(), small_sequence(arena, 3));
    for (std::size_t length = 0; length < contents.size(); ++length) {
        EXPECT_TRUE(refusal({contents.begin(), contents.begin() + static_cast<std::ptrdiff_t>(length)})
                        .starts_with("damaged: "))
            << length;
    }
    contents.push_back(std::byte{0});
    EXPECT_EQ(refusal(contents), "damaged: 1 bytes follow the last field");
}

/// Without a checksum in front of it the parser has to stand on its own: any four bytes may say anything.
TEST(SavedCodec, LyingCountsAreRefusedBeforeTheyAreBelieved) {
    const auto arena = std::make_shared<kv::Arena>();
    const std::vector<std::byte> contents = encoded(small_model(), small_sequence(arena, 3));
    for (const std::uint32_t lie : {0U, 1U, 0x7FFFFFFFU, 0x80000000U, 0xFFFFFFFFU}) {
        for (std::size_t at = 0; at + sizeof lie <= contents.size(); ++at) {
            std::vector<std::byte> altered = contents;
            std::memcpy(altered.data() + at, &lie, sizeof lie);
            const auto memory = std::make_shared<kv::Arena>();
            try {
                const Sequence::Impl sequence =
                    decode_sequence(bytes_in(altered), small_model(), kContext, memory, kPath);
                EXPECT_EQ(encoded(small_model(), sequence).size(), contents.size());
            } catch (const Error & error) {
                EXPECT_EQ(error.kind(), ErrorKind::Input) << error.what();
            }
            EXPECT_LT(memory->meter().peak(), 1U << 20U);
        }
    }
}

TEST(SavedCodec, KeepsTheLogitsOfThePromptWhereThereAreAny) {
    const auto arena = std::make_shared<kv::Arena>();
    for (const std::uint32_t rows : {2U, 3U}) {
        const Sequence::Impl sequence = small_sequence(arena, rows);
        EXPECT_EQ(sequence.prompt_logits.empty(), rows == 3);
        EXPECT_EQ(decoded(encoded(small_model(), sequence)).prompt_logits, sequence.prompt_logits);
    }
}

/// A layer that slides has given back the beginning of its tail.
TEST(SavedCodec, KeepsWhatIsLeftOfATail) {
    constexpr std::uint32_t kRows = 900;
    const auto arena = std::make_shared<kv::Arena>();
    SavedModel model = small_model();
    model.windows = {0, 40};
    Sequence::Impl sequence = small_sequence(arena, kRows);
    kv::Tail whole = std::move(sequence.rows.tail);
    sequence.rows.tail = kv::Tail(*arena, whole.shapes(), whole.first(), model.windows);
    sequence.rows.tail.append(kRows);
    test::mark_tail(sequence.rows.tail);
    sequence.rows.tail.give_back(40, 512);
    const std::vector<std::byte> bytes = encoded(model, sequence);
    EXPECT_LT(bytes.size(), encoded(small_model(), small_sequence(arena, kRows)).size());
    const Sequence::Impl back = decoded(bytes, model);
    EXPECT_EQ(back.rows.tail.first_row(0), 0U);
    EXPECT_EQ(back.rows.tail.first_row(1), 512U);
    expect_same_rows(back, sequence);
    // To a model whose layer does not slide these are no rows.
    EXPECT_NE(refusal(bytes).find("a tail of 900 rows from row 512 on"), std::string::npos) << refusal(bytes);
}

/// A sequence that goes on evicting in its first layer, by that evidence; the second slides.
Sequence::Impl evicting_sequence(const std::shared_ptr<kv::Arena> & arena, Evidence evidence, SavedModel & model) {
    model.windows = {0, 300};
    Sequence::Impl sequence = small_sequence(arena, 0);
    const std::vector<kv::LayerShape> shapes = sequence.rows.tail.shapes();
    sequence.rows.tail = kv::Tail(*arena, shapes, sequence.rows.tail.first(), model.windows);
    sequence.stats.evidence = evidence;
    sequence.stats.evicts = true;
    sequence.stats.evicted = 77;
    sequence.stats.sink = 1;
    sequence.stats.recent = 2;
    Eviction eviction({6, 3, 5}, eviction_rule(sequence.stats), {{9, 4, 8}, {}});
    std::vector<Block> carried(2);
    const std::size_t floats = evidence == Evidence::Accumulated ? 2 * (7 + 4 + 6) : std::size_t{3} * 6 * 5;
    carried[0] = arena->allocate(evidence == Evidence::Mean ? 0 : floats * sizeof(float));
    for (std::size_t at = 0; at < carried[0].size() / sizeof(float); ++at) {
        carried[0].floats()[at] = static_cast<float>(at) / 3;
    }
    eviction.take_rows(*arena, sequence.rows, carried, 20);
    sequence.rows.tail.bound(0);
    sequence.eviction = std::move(eviction);
    return sequence;
}

TEST(SavedCodec, KeepsWhatASequenceGoesOnEvictingBy) {
    const auto arena = std::make_shared<kv::Arena>();
    for (const Evidence evidence : {Evidence::Mean, Evidence::Accumulated, Evidence::Pivotal}) {
        SavedModel model = small_model();
        const Sequence::Impl sequence = evicting_sequence(arena, evidence, model);
        const std::vector<std::byte> contents = encoded(model, sequence);
        const Sequence::Impl back = decoded(contents, model);
        EXPECT_EQ(encoded(model, back), contents);
        ASSERT_TRUE(back.eviction.has_value());
        EXPECT_EQ(back.eviction->holds(), sequence.eviction->holds());
        EXPECT_EQ(back.eviction->evicted(), 77U);
        EXPECT_EQ(back.eviction->queries(), evidence == Evidence::Pivotal ? 3U : 0U);
        ASSERT_EQ(back.rows.slots.size(), 2U);
        for (std::uint32_t head = 0; head < 3; ++head) {
            expect_same_view(back.rows.slots[0].head(head), sequence.rows.slots[0].head(head),
                             sequence.rows.slots[0].shape());
        }
        // Cut anywhere, it is refused.
        for (std::size_t size = 0; size < contents.size(); ++size) {
            EXPECT_NE(refusal({contents.begin(), contents.begin() + static_cast<std::ptrdiff_t>(size)}, model),
                      "not refused");
        }
    }
}

TEST(SavedCodec, RefusesSlotsThatCannotBe) {
    const auto arena = std::make_shared<kv::Arena>();
    SavedModel model = small_model();
    Sequence::Impl sequence = evicting_sequence(arena, Evidence::Mean, model);
    sequence.rows.slots[0].append(1, sequence.rows.slots[0].positions(1)[0]);
    EXPECT_EQ(refusal(encoded(model, sequence), model),
              "damaged: a head has 5 rows and may hold 4, 3 of them whatever the vote");
    sequence = evicting_sequence(arena, Evidence::Mean, model);
    sequence.rows.slots[0].remove(1, 3);
    sequence.rows.slots[0].append(1, sequence.rows.slots[0].positions(1)[0]);
    EXPECT_EQ(refusal(encoded(model, sequence), model),
              "damaged: a head has two rows at one position, or one at a position to come");
    sequence = evicting_sequence(arena, Evidence::Mean, model);
    model.heads = 5;
    EXPECT_EQ(refusal(encoded(model, sequence), model), "damaged: it evicts, and no layer has rows that could go");
}

/// The fuzzer's seeds, past crashes among them: here also where there is no fuzzer. A change of the format without new
/// seeds (saved_cache_seeds) shows here too.
TEST(SavedCodec, TheFuzzersSeedsAreRefusedOrDecoded) {
    int accepted = 0;
    const auto folder = std::filesystem::path(SNAPKV_TEST_DATA).parent_path() / "fuzz/corpus/saved_cache";
    for (const auto & entry : std::filesystem::directory_iterator(folder)) {
        const std::string text = snapkv::test::contents(entry.path());
        const auto bytes = std::as_bytes(std::span(text));
        accepted += refusal({bytes.begin(), bytes.end()}) == "not refused" ? 1 : 0;
    }
    EXPECT_GE(accepted, 5);
}

// Values within keys: kernels would rotate beyond a row whose stretches are not whole.
TEST(SavedCodec, ValuesWithinKeysOfTypesThatCannotBeAreRefused) {
    const auto arena = std::make_shared<kv::Arena>();
    const auto refused = [&](std::uint32_t value_size, KvTypes type) {
        SavedModel model = small_model();
        model.shapes = {
            {.kv_heads = 1, .key_size = 128, .value_size = value_size, .type = type, .values_in_keys = true}};
        model.state_floats = {0};
        const Sequence::Impl sequence{.model = nullptr,
                                      .arena = arena,
                                      .tokens = {},
                                      .stats = {},
                                      .rows = {{}, kv::Tail(*arena, model.shapes, Position{0})},
                                      .state = kv::RecurrentState(*arena, model.state_floats),
                                      .logits = std::vector<float>(model.vocabulary)};
        return refusal(encoded(model, sequence), model);
    };
    const auto is_of_types = [](const std::string & message) {
        return message.find("cannot be of these types") != std::string::npos;
    };
    EXPECT_TRUE(is_of_types(refused(96, KvType::Q8_0)));
    EXPECT_TRUE(is_of_types(refused(64, KvTypes{KvType::F16, KvType::F32})));
    EXPECT_FALSE(is_of_types(refused(128, KvType::Q8_0)));
    EXPECT_FALSE(is_of_types(refused(96, KvType::F16)));
}

}  // namespace
}  // namespace snapkv::run

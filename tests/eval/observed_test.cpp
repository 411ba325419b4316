// What observers make of attention, on rows that are written by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "eval/attention_mass.h"
#include "eval/hit_rate.h"
#include "eval/missed_attention.h"
#include "eval/selected_sets.h"
#include "snapkv/error.h"
#include "support/positions.h"

namespace snapkv::eval {
namespace {

ModelInfo model_of(std::uint32_t layers, std::uint32_t heads, std::uint32_t kv_heads) {
    ModelInfo model;
    model.layers = layers;
    model.heads = heads;
    model.kv_heads = kv_heads;
    return model;
}

/// One row of one head of a model with one KV head.
void offer(const Observer & observer, std::uint32_t layer, std::uint32_t head, std::uint32_t position,
           const std::vector<float> & weights) {
    ASSERT_EQ(weights.size(), position + 1);
    observer.row({.layer = layer, .kv_head = 0, .head = head, .position = Position{position}, .weights = weights});
}

/// A prompt of 4 positions of prefix and two windows of one token, and two generated tokens judged one by one.
HitRateConfig two_windows() {
    HitRateConfig config;
    config.prompt = 6;
    config.windows = 2;
    config.window = 1;
    config.generated = 2;
    config.generated_window = 1;
    config.threshold = 0.1F;
    config.selection = {.count = 2, .cluster = Cluster::kernel(1, Pooling::None), .group = GroupReduce::Mean};
    return config;
}

TEST(HitRate, CountsWhatTheWindowsHadSelected) {
    HitRate study(two_windows(), model_of(1, 1, 1));
    const Observer observer = study.observer();
    EXPECT_EQ(observer.positions, 4U);
    offer(observer, 0, 0, 4, {0.4F, 0.3F, 0.0F, 0.1F, 0.2F});                     // selects 0 and 1
    offer(observer, 0, 0, 5, {0.0F, 0.3F, 0.4F, 0.0F, 0.1F, 0.2F});               // selects 1 and 2
    offer(observer, 0, 0, 6, {0.2F, 0.2F, 0.2F, 0.0F, 0.0F, 0.0F, 0.4F});         // needs 0, 1, 2
    offer(observer, 0, 0, 7, {0.1F, 0.0F, 0.05F, 0.5F, 0.3F, 0.0F, 0.0F, 0.0F});  // needs 3; 0.1 is not above 0.1
    EXPECT_EQ(study.count(0, 0, 0, 0).needed, 3U);
    EXPECT_EQ(study.count(0, 0, 0, 0).hit, 2U);
    EXPECT_EQ(study.count(0, 0, 1, 0).hit, 2U);
    EXPECT_EQ(study.count(0, 0, 0, 1).needed, 1U);
    EXPECT_EQ(study.count(0, 0, 0, 1).hit, 0U);
    EXPECT_DOUBLE_EQ(study.of_layer(0, 0).rate(), 0.5);
    EXPECT_DOUBLE_EQ(study.of_layer(0, 1, 0).rate(), 2.0 / 3);
}

TEST(HitRate, SelectsForTheGroupAndJudgesEachHead) {
    HitRateConfig config = two_windows();
    config.windows = 1;
    config.window = 2;
    config.generated = 1;
    config.selection.count = 1;
    HitRate study(config, model_of(2, 2, 1));
    const Observer observer = study.observer();
    for (const std::uint32_t layer : {0U, 1U}) {
        // Together position 2 has the most (0.5); the second layer must not remember the first.
        const float extra = layer == 0 ? 0.0F : 0.6F;
        offer(observer, layer, 0, 4, {0.3F, 0.0F, 0.2F, extra, 0.5F});
        offer(observer, layer, 1, 4, {0.0F, 0.3F, 0.3F, extra, 0.4F});
        offer(observer, layer, 0, 5, {0.0F, 0.0F, 0.0F, 0.0F, 0.5F, 0.5F});
        offer(observer, layer, 1, 5, {0.0F, 0.0F, 0.0F, 0.0F, 0.5F, 0.5F});
        offer(observer, layer, 0, 6, {0.0F, 0.0F, 0.5F, 0.0F, 0.0F, 0.0F, 0.5F});
        offer(observer, layer, 1, 6, {0.0F, 0.5F, 0.0F, 0.0F, 0.0F, 0.0F, 0.5F});
    }
    EXPECT_EQ(study.count(0, 0, 0, 0).hit, 1U);
    EXPECT_EQ(study.count(0, 1, 0, 0).hit, 0U);
    EXPECT_EQ(study.count(1, 0, 0, 0).hit, 0U);
    EXPECT_DOUBLE_EQ(study.of_layer(0, 0).rate(), 0.5);
    EXPECT_DOUBLE_EQ(study.of_layer(1, 0).rate(), 0.0);
}

TEST(HitRate, IsNoNumberWhereNothingWasNeeded) {
    const HitRate study(two_windows(), model_of(1, 1, 1));
    EXPECT_TRUE(std::isnan(study.of_layer(0, 0).rate()));
    HitRateConfig config = two_windows();
    config.windows = 6;
    EXPECT_THROW(HitRate(config, model_of(1, 1, 1)), Error);
}

TEST(AttentionMass, SharesWhatIsKeptAndWhereItLies) {
    AttentionMassConfig config;
    config.text = {.prompt = 5, .window = 1, .generated = 2};
    config.selections = {{.count = 1, .cluster = Cluster::kernel(1)}, {.count = 2, .cluster = Cluster::kernel(1)}};
    config.sinks = 1;
    config.recent = 2;
    config.local = 4;
    AttentionMass study(config, model_of(1, 1, 1));
    const Observer observer = study.observer();
    EXPECT_EQ(observer.positions, 3U);
    offer(observer, 0, 0, 4, {0.1F, 0.2F, 0.5F, 0.15F, 0.05F});  // selects 2, then 1
    offer(observer, 0, 0, 5, {0.3F, 0.1F, 0.2F, 0.1F, 0.1F, 0.2F});
    // Kept: 0.2 + 0.1 + 0.2 and 0.1 more. Sinks 0.3; recent (distance 0, 1) 0.3; local (2, 3) 0.3; far 0.1.
    offer(observer, 0, 0, 6, {0.1F, 0.4F, 0.1F, 0.1F, 0.1F, 0.1F, 0.1F});
    // Kept: 0.1 + 0.3 and 0.4 more. Sinks 0.1; recent 0.2; local 0.2; far 0.5.
    EXPECT_NEAR(study.kept(0, 0, std::size_t{0}), 0.45, 1e-6);
    EXPECT_NEAR(study.kept(0, std::size_t{1}), 0.7, 1e-6);
    EXPECT_NEAR(study.part(0, AttentionMass::Sinks), 0.2, 1e-6);
    EXPECT_NEAR(study.part(0, AttentionMass::Recent), 0.25, 1e-6);
    EXPECT_NEAR(study.part(0, AttentionMass::Local), 0.25, 1e-6);
    EXPECT_NEAR(study.part(0, 0, AttentionMass::Far), 0.3, 1e-6);
    config.text.window = 5;
    EXPECT_THROW(AttentionMass(config, model_of(1, 1, 1)), Error);
}

TEST(MissedAttention, BinsDoubleOnBothSides) {
    std::vector<std::string> names;
    for (std::size_t bin = 0; bin < MissedAttention::bins; ++bin) {
        names.push_back(MissedAttention::bin_name(bin));
    }
    EXPECT_EQ(names, (std::vector<std::string>{"-65 and beyond", "-64 to -33", "-32 to -17", "-16 to -9", "-8 to -5",
                                               "-4 to -3", "-2", "-1", "+1", "+2", "+3 to +4", "+5 to +8", "+9 to +16",
                                               "+17 to +32", "+33 to +64", "+65 and beyond"}));
    const auto name_of = [](std::int64_t distance) {
        return MissedAttention::bin_name(MissedAttention::bin_of(distance));
    };
    EXPECT_EQ(name_of(-100'000), "-65 and beyond");
    EXPECT_EQ(name_of(-33), "-64 to -33");
    EXPECT_EQ(name_of(-4), "-4 to -3");
    EXPECT_EQ(name_of(3), "+3 to +4");
    EXPECT_EQ(name_of(16), "+9 to +16");
    EXPECT_EQ(name_of(65), "+65 and beyond");
}

TEST(MissedAttention, IsCountedByTheDistanceFromTheNearestKeptRow) {
    MissedAttentionConfig config;
    config.text = {.prompt = 9, .window = 1, .generated = 2};
    config.selection = {.count = 2, .cluster = Cluster::kernel(1)};
    MissedAttention study(config, model_of(2, 1, 1));
    const Observer observer = study.observer();
    EXPECT_EQ(observer.positions, 3U);
    for (const std::uint32_t layer : {0U, 1U}) {
        // The first layer keeps 1 and 4, the second 0 and 1. Position 8 is the window, kept too.
        const float at_0 = layer == 0 ? 0.0F : 0.6F;
        offer(observer, layer, 0, 8, {at_0, 0.5F, 0, 0, 0.3F, 0, 0, 0, 0.1F});
        offer(observer, layer, 0, 9, {0.01F, 0.5F, 0.02F, 0.04F, 0, 0.08F, 0.1F, 0.16F, 0, 0});
        offer(observer, layer, 0, 10, {0.03F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    }
    const auto bin = [&](std::uint32_t layer, std::int64_t distance) {
        return study.bin(layer, 0, MissedAttention::bin_of(distance));
    };
    EXPECT_NEAR(bin(0, -1).share, (0.01 + 0.04 + 0.16 + 0.03) / 2, 1e-7);  // 0, 3 and 7
    EXPECT_EQ(bin(0, -1).rows, 3U);
    EXPECT_NEAR(bin(0, 1).share, (0.02 + 0.08) / 2, 1e-7);  // 2 and 5
    EXPECT_EQ(bin(0, 1).rows, 2U);
    EXPECT_NEAR(bin(0, 2).share, 0.1 / 2, 1e-7);  // 6, as near to the window as to 4
    EXPECT_EQ(bin(0, -2).rows, 0U);
    EXPECT_NEAR(bin(1, 1).share, 0.02 / 2, 1e-7);
    EXPECT_EQ(bin(1, 3).rows, 1U);                  // 4, nearer to 1 than to the window
    EXPECT_NEAR(bin(1, -3).share, 0.08 / 2, 1e-7);  // 5
    EXPECT_EQ(bin(1, -3).rows, 1U);
    config.text.window = 9;
    EXPECT_THROW(MissedAttention(config, model_of(1, 1, 1)), Error);
}

TEST(SelectedSets, OverlapByLayer) {
    const Selection two{.count = 2, .cluster = Cluster::kernel(1)};
    SelectedSets one(4, 6, two, model_of(2, 1, 1));
    SelectedSets other(4, 5, two, model_of(2, 1, 1));
    for (const std::uint32_t layer : {0U, 1U}) {
        offer(one.observer(), layer, 0, 4, {0.5F, 0.1F, 0.0F, 0.2F, 0.2F});
        offer(one.observer(), layer, 0, 5, {0.0F, 0.1F, 0.0F, 0.6F, 0.2F, 0.1F});
        offer(
            other.observer(), layer, 0, 4,
            layer == 0 ? std::vector<float>{0.4F, 0.0F, 0.0F, 0.4F, 0.2F} : std::vector<float>{0.4F, 0.4F, 0, 0, 0.2F});
    }
    EXPECT_EQ(one.selected(0, 0), test::positions({0, 3}));
    EXPECT_DOUBLE_EQ(one.overlap(other, 0), 1);
    EXPECT_DOUBLE_EQ(one.overlap(other, 1), 0.5);
    EXPECT_DOUBLE_EQ(one.overlap(other, 1, 0), 0.5);
    EXPECT_THROW(SelectedSets(4, 4, two, model_of(1, 1, 1)), Error);
    EXPECT_THROW(SelectedSets(0, 4, two, model_of(1, 1, 1)), Error);
}

}  // namespace
}  // namespace snapkv::eval

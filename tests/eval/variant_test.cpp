#include "eval/variant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

namespace snapkv::eval {
namespace {

std::vector<std::string> names(const VariantLists & lists) {
    std::vector<std::string> list;
    const std::vector<Variant> variants = make_variants(lists);
    std::transform(variants.begin(), variants.end(), std::back_inserter(list),
                   [](const Variant & variant) { return variant.name; });
    return list;
}

using testing::ElementsAre;

TEST(Variants, AreNamedByWhatTellsThemApart) {
    EXPECT_THAT(names({}), ElementsAre("full", "auto 1024"));
    VariantLists lists;
    lists.policies = {Policy::Full, Policy::SnapKV};
    lists.budgets = {{Budget::Unit::Rows, 256}, {Budget::Unit::Percent, 12.5}};
    EXPECT_THAT(names(lists), ElementsAre("full", "snapkv 256", "snapkv 12.5%"));
    lists.budgets = {{Budget::Unit::Rows, 256}};
    lists.poolings = {Pooling::Max, Pooling::None};
    lists.kernels = {5, 7};
    EXPECT_THAT(names(lists), ElementsAre("full", "snapkv 256, pooling max, kernel 5",
                                          "snapkv 256, pooling max, kernel 7", "snapkv 256, pooling none"));
}

TEST(Variants, AreNamedByTheirClustersWhereThereAreAny) {
    VariantLists lists;
    lists.policies = {Policy::SnapKV};
    lists.clusters = {
        Cluster::kernel(7), Cluster{.pooling = Pooling::Avg, .back = 3, .ahead = 27}, Cluster::kernel(1, Pooling::None),
        Cluster{.rule = Cluster::Rule::Reach, .back = 1, .ahead = 4, .words = true, .stops = true}, Cluster::chunk(20)};
    EXPECT_THAT(names(lists), ElementsAre("snapkv 1024, kernel:3,3", "snapkv 1024, avg:3,27", "snapkv 1024, none",
                                          "snapkv 1024, reach:1,4+words+stops", "snapkv 1024, chunk:20"));
    const std::vector<Variant> variants = make_variants(lists);
    EXPECT_EQ(variants[3].cache.cluster, lists.clusters[3]);
    EXPECT_THAT(settings_of(variants[3].cache), testing::Contains(std::pair("cluster", "reach:1,4+words+stops")));
    // Maps of kernels show the paper's: no other cluster is called one.
    EXPECT_THAT(settings_of(variants[0].cache), testing::Contains(std::pair("kernel", "7")));
    for (const Cluster & other : {Cluster{.words = true}, Cluster{.back = 3, .ahead = 27}, Cluster::reach(3, 3)}) {
        CacheConfig cache;
        cache.cluster = other;
        EXPECT_THAT(settings_of(cache), testing::Not(testing::Contains(testing::Key("kernel")))) << cluster_text(other);
    }
    lists.clusters.resize(1);
    EXPECT_THAT(names(lists), ElementsAre("snapkv 1024"));
    lists.clusters.emplace_back(std::nullopt);
    EXPECT_THAT(names(lists), ElementsAre("snapkv 1024, kernel:3,3", "snapkv 1024, cluster auto"));
    lists.kernels = {5};
    EXPECT_EQ(make_variants(lists).front().cache.cluster, Cluster::kernel(5));
}

TEST(Variants, AreNamedByVotersRecentRowsAndEvidence) {
    VariantLists lists;
    lists.policies = {Policy::SnapKV};
    lists.windows = {128};
    lists.recents = {32, std::nullopt};
    lists.evidences = {Evidence::Mean, Evidence::MaxFloor};
    EXPECT_THAT(names(lists),
                ElementsAre("snapkv 1024, recent 32, evidence mean", "snapkv 1024, recent 32, evidence max-floor",
                            "snapkv 1024, recent auto, evidence mean", "snapkv 1024, recent auto, evidence max-floor"));
    EXPECT_EQ(make_variants(lists)[1].cache.recent, 32U);
    EXPECT_EQ(make_variants(lists)[1].cache.evidence, Evidence::MaxFloor);
}

TEST(Variants, OfSeveralTypesIncludeTheFullCacheInEach) {
    VariantLists lists;
    lists.types = {KvType::F16, KvTypes(KvType::Q8_0, KvType::Q4_0)};
    EXPECT_THAT(names(lists), ElementsAre("full, f16", "full, q8_0/q4_0", "auto 1024, f16", "auto 1024, q8_0/q4_0"));
    const std::vector<Variant> variants = make_variants(lists);
    EXPECT_EQ(variants[3].cache.type, KvTypes(KvType::Q8_0, KvType::Q4_0));
    EXPECT_EQ(variants[3].cache.policy, Policy::Auto);
}

TEST(Variants, SayWhereQuantisedRowsAreNotRotated) {
    VariantLists lists;
    lists.policies = {Policy::Full};
    lists.types = {KvType::F16, KvType::Q8_0, KvTypes(KvType::F16, KvType::Q4_0)};
    lists.rotations = {true, false};
    EXPECT_THAT(names(lists), ElementsAre("full, f16", "full, q8_0", "full, q8_0, unrotated", "full, f16/q4_0",
                                          "full, f16/q4_0, unrotated"));
    const std::vector<Variant> variants = make_variants(lists);
    EXPECT_TRUE(variants[1].cache.rotate);
    EXPECT_FALSE(variants[2].cache.rotate);
    lists.types = {KvType::Q4_0};
    lists.rotations = {false};
    EXPECT_THAT(names(lists), ElementsAre("full, unrotated"));
}

TEST(Variants, CarryEverySetting) {
    VariantLists lists;
    lists.policies = {Policy::SnapKV};
    lists.windows = {16, std::nullopt};
    lists.groups = {GroupReduce::Max, GroupReduce::Sum};
    lists.sinks = {0, 4};
    const std::vector<Variant> variants = make_variants(lists);
    ASSERT_EQ(variants.size(), 8U);
    EXPECT_EQ(variants[0].name, "snapkv 1024, window 16, group max, sink 0");
    EXPECT_EQ(variants[7].name, "snapkv 1024, window auto, group sum, sink 4");
    EXPECT_EQ(variants[7].cache.window, std::nullopt);
    EXPECT_EQ(variants[7].cache.group, GroupReduce::Sum);
    EXPECT_EQ(variants[7].cache.sink, 4U);
}

}  // namespace
}  // namespace snapkv::eval

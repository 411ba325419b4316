#include "eval/longbench_sets.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "support/error_of.h"

namespace snapkv::eval {
namespace {

/// FNV-1a of 32 bits.
std::uint32_t hash_of(std::string_view text) {
    std::uint32_t hash = 2166136261U;
    for (const char byte : text) {
        hash = (hash ^ static_cast<std::uint8_t>(byte)) * 16777619U;
    }
    return hash;
}

struct Official {
    std::string_view name;
    Metric metric;
    std::uint32_t max_tokens;
    bool first_line;
    bool bare;
    std::size_t prompt_bytes;
    std::uint32_t prompt_hash;
};

// Metrics and lengths from the tables of LongBench's paper and its dataset2metric and dataset2maxlen; length
// and hash of the prompts, with {context} and {input} in them, computed from its dataset2prompt.json by a script.
constexpr std::array officials{
    Official{"narrativeqa", Metric::TokenF1, 128, false, false, 378, 1520639200U},
    Official{"qasper", Metric::TokenF1, 128, false, false, 725, 742960512U},
    Official{"multifieldqa_en", Metric::TokenF1, 64, false, false, 201, 1703689391U},
    Official{"hotpotqa", Metric::TokenF1, 32, false, false, 288, 2174752180U},
    Official{"2wikimqa", Metric::TokenF1, 32, false, false, 288, 2174752180U},
    Official{"musique", Metric::TokenF1, 32, false, false, 288, 2174752180U},
    Official{"gov_report", Metric::RougeL, 512, false, false, 161, 3417081143U},
    Official{"qmsum", Metric::RougeL, 512, false, false, 261, 1080629451U},
    Official{"multi_news", Metric::RougeL, 512, false, false, 150, 3573867844U},
    Official{"trec", Metric::Classification, 64, true, true, 104, 514656406U},
    Official{"triviaqa", Metric::TokenF1, 32, true, true, 159, 2504721535U},
    Official{"samsum", Metric::RougeL, 128, true, true, 103, 574712484U},
    Official{"passage_count", Metric::Count, 32, false, false, 464, 3162297841U},
    Official{"passage_retrieval_en", Metric::Retrieval, 32, false, false, 320, 3072189848U},
    Official{"lcc", Metric::CodeSimilarity, 64, false, true, 67, 2919694908U},
    Official{"repobench-p", Metric::CodeSimilarity, 64, false, true, 74, 1526481128U},
};

TEST(LongBenchSets, AreTheOfficialOnes) {
    ASSERT_EQ(longbench_sets().size(), officials.size());
    for (std::size_t i = 0; i < officials.size(); ++i) {
        const LongBenchSet & set = longbench_sets()[i];
        const Official & official = officials[i];
        ASSERT_EQ(set.name, official.name);
        EXPECT_EQ(set.metric, official.metric) << set.name;
        EXPECT_EQ(set.max_tokens, official.max_tokens) << set.name;
        EXPECT_EQ(set.first_line, official.first_line) << set.name;
        EXPECT_EQ(set.bare, official.bare) << set.name;
    }
}

TEST(LongBenchSets, HaveTheOfficialPrompts) {
    for (const Official & official : officials) {
        const LongBenchSet & set = longbench_set(official.name);
        const std::string prompt =
            fmt::format("{}{}{}{}{}", set.before, "{context}", set.between, set.asks ? "{input}" : "", set.after);
        EXPECT_EQ(prompt.size(), official.prompt_bytes) << set.name;
        EXPECT_EQ(hash_of(prompt), official.prompt_hash) << set.name;
    }
}

TEST(LongBenchSets, AreFoundByName) {
    EXPECT_EQ(longbench_set("repobench-p").name, "repobench-p");
    EXPECT_THAT(snapkv::test::error_of(ErrorKind::Usage, [] { (void)longbench_set("trecs"); }),
                testing::HasSubstr("LongBench set \"trecs\" is not one of narrativeqa, qasper, "));
}

// github.com/THUDM/LongBench, pred.py: the sets of LongBench-E.
TEST(LongBenchSets, ThirteenAreInLongBenchEToo) {
    constexpr std::array<std::string_view, 13> official{
        "qasper",     "multifieldqa_en", "hotpotqa", "2wikimqa",      "gov_report",           "multi_news",
        "trec",       "triviaqa",        "samsum",   "passage_count", "passage_retrieval_en", "lcc",
        "repobench-p"};
    std::size_t found = 0;
    for (const std::string & name : longbench_names()) {
        EXPECT_EQ(longbench_set(name).name, name.ends_with("_e") ? name.substr(0, name.size() - 2) : name);
        found += name.ends_with("_e") ? 1U : 0U;
    }
    EXPECT_EQ(found, official.size());
    for (const std::string_view name : official) {
        EXPECT_EQ(find_longbench_set(fmt::format("{}_e", name)), find_longbench_set(name)) << name;
    }
    EXPECT_EQ(find_longbench_set("narrativeqa_e"), nullptr);
    EXPECT_EQ(find_longbench_set("hotpotqa_e_e"), nullptr);
}

}  // namespace
}  // namespace snapkv::eval

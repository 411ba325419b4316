#include "json.h"

#include <gtest/gtest.h>

#include <set>

#include "options.h"
#include "support/positions.h"

namespace snapkv::cli {
namespace {

std::set<std::string> keys(const Json & json) {
    std::set<std::string> names;
    for (const auto & item : json.items()) {
        names.insert(item.key());
    }
    return names;
}

const std::set<std::string> kv_keys{"policy",     "compressed", "reason",    "budget",    "window",        "recent",
                                    "evidence",   "cluster",    "kernel",    "pool",      "group",         "sink",
                                    "type",       "rotate",     "rows_full", "rows_kept", "rows_per_head", "allocation",
                                    "bytes_full", "bytes_kept", "evict",     "evicted",   "tail_budget"};

Report sample(std::size_t answers) {
    Report report;
    report.several = answers > 1;
    report.shared_tokens = 90;
    report.computed_tokens = 100;
    report.load_ms = 5;
    report.prompt_ms = 1000;
    report.cache_bytes_peak = 77;
    report.peak_rss_bytes = 88;
    for (std::size_t i = 0; i < answers; ++i) {
        Answer answer;
        answer.prompt_tokens = 100;
        answer.cache.compressed = i == 0;
        answer.cache.reason = i == 0 ? "" : "short";
        answer.cache.budget = 64;
        answer.cache.window = 32;
        answer.compress_ms = 3;
        answer.generation = {"text", {4, 5, 6}, StopReason::Length, 2, 500};
        report.answers.push_back(answer);
    }
    return report;
}

TEST(Json, OneAnswerHasTheFieldsOfTheInterface) {
    const Json json = run_json(sample(1));
    EXPECT_EQ(keys(json), (std::set<std::string>{"text", "tokens", "prompt_tokens", "generated_tokens", "stop_reason",
                                                 "kv", "timings", "peak_rss_bytes", "version"}));
    std::set<std::string> expected = kv_keys;
    expected.insert("bytes_peak");
    EXPECT_EQ(keys(json["kv"]), expected);
    EXPECT_EQ(keys(json["timings"]), (std::set<std::string>{"load_ms", "prompt_ms", "prompt_per_second", "compress_ms",
                                                            "predicted_ms", "predicted_per_second"}));
    EXPECT_EQ(json["generated_tokens"], 3);
    EXPECT_EQ(json["stop_reason"], "length");
    EXPECT_EQ(json["kv"]["policy"], "auto");
    EXPECT_EQ(json["kv"]["window"], 32);
    EXPECT_TRUE(json["kv"]["reason"].is_null());
    EXPECT_EQ(json["timings"]["prompt_per_second"], 100);
    EXPECT_EQ(json["timings"]["predicted_per_second"], 4);
}

TEST(Json, SeveralAnswersShareWhatTheyShare) {
    const Json json = run_json(sample(2));
    EXPECT_EQ(keys(json),
              (std::set<std::string>{"answers", "prompt_tokens", "kv", "timings", "peak_rss_bytes", "version"}));
    EXPECT_EQ(keys(json["kv"]), std::set<std::string>{"bytes_peak"});
    EXPECT_EQ(keys(json["timings"]), (std::set<std::string>{"load_ms", "prompt_ms", "prompt_per_second"}));
    EXPECT_EQ(json["prompt_tokens"], 90);
    ASSERT_EQ(json["answers"].size(), 2U);
    for (const Json & answer : json["answers"]) {
        EXPECT_EQ(keys(answer),
                  (std::set<std::string>{"text", "tokens", "prompt_tokens", "stop_reason", "kv", "timings"}));
        EXPECT_EQ(keys(answer["kv"]), kv_keys);
        EXPECT_EQ(keys(answer["timings"]),
                  (std::set<std::string>{"compress_ms", "predicted_ms", "predicted_per_second"}));
    }
    EXPECT_EQ(json["answers"][1]["kv"]["reason"], "short");
}

TEST(Json, EveryCacheOptionReportsItself) {
    const Json json = run_json(sample(1));
    for (const Option & option : options()) {
        if (option.report != nullptr) {
            EXPECT_TRUE(option.long_name().starts_with("--kv-")) << option.long_name();
            EXPECT_TRUE(json["kv"].contains(option.json_key())) << option.long_name();
        }
    }
}

TEST(Json, KeptPositions) {
    const Kept kept{7, {{snapkv::test::positions({0, 2}), snapkv::test::positions({1})}}};
    EXPECT_EQ(json_text(kept_json({kept}, false)), R"({"n_prompt":7,"layers":[[[0,2],[1]]]})");
    EXPECT_EQ(json_text(kept_json({kept, kept}, true)),
              R"({"answers":[{"n_prompt":7,"layers":[[[0,2],[1]]]},{"n_prompt":7,"layers":[[[0,2],[1]]]}]})");
}

TEST(Json, EstimateAndRepairedStrings) {
    Estimate estimate;
    estimate.prompt_tokens = 3;
    estimate.bytes_needed = 4;
    EXPECT_EQ(keys(estimate_json(estimate)),
              (std::set<std::string>{"prompt_tokens", "bytes_needed", "bytes_available", "seconds_estimated"}));
    EXPECT_EQ(json_text(Json("a\xFF")), "\"a\xEF\xBF\xBD\"");
}

TEST(Report, SaysWhyNothingWasCompressed) {
    const std::string text = statistics_text(sample(2));
    EXPECT_NE(text.find("not compressed: short"), std::string::npos) << text;
    EXPECT_NE(text.find("100 tokens in 1.0 s, 100 tok/s"), std::string::npos) << text;
}

}  // namespace
}  // namespace snapkv::cli

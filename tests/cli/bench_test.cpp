// `snapkv bench`: which cases there are, and the program from end to end on a tiny model.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "bench_case.h"
#include "command_line.h"
#include "folder.h"
#include "process.h"

namespace snapkv::cli::test {
namespace {

using Json = nlohmann::json;

std::vector<std::string> lines_of(const std::string & text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

/// A tiny model, and the program's arguments to measure it shortly.
class Bench : public testing::Test {
protected:
    Bench() : model_(folder_.file("tiny.gguf")) {
        EXPECT_EQ(run_snapkv({"make-model", "-o", model_, "--layers", "1"}).status, 0);
    }
    [[nodiscard]] Outcome run(const std::vector<std::string> & rest,
                              const std::function<bool(const Outcome &)> & interrupt_when = {}) const {
        std::vector<std::string> arguments{"bench", "-m", model_, "-t", "1", "-r", "2"};
        arguments.insert(arguments.end(), rest.begin(), rest.end());
        return run_snapkv(arguments, {}, interrupt_when);
    }

private:
    Folder folder_;
    std::string model_;
};

TEST(BenchCases, AreEveryCombinationOnce) {
    const Settings settings =
        parse_command_line({"bench", "-p", "16,32", "-n", "8", "-d", "0,100", "-t", "1,2", "--kv-policy", "full,snapkv",
                            "--kv-budget", "64,50%", "--kv-type", "f16,f32"});
    const std::vector<BenchCase> cases = bench_cases(settings);
    // 2 numbers of threads; for each type full, 64 and 50%; at each depth two prompts and one generation.
    EXPECT_EQ(cases.size(), 2U * 2 * 3 * 2 * 3);
    EXPECT_EQ(cases.front().name(), "pp16");
    EXPECT_EQ(cases.back().name(), "tg8 @ d100");
    EXPECT_EQ(cases.back().threads, 2U);
    EXPECT_EQ(cases.back().cache.policy, Policy::SnapKV);
    EXPECT_TRUE(bench_cases(parse_command_line({"bench", "-p", "0", "-n", "0"})).empty());
}

TEST(BenchCases, OfDecodeAreMeasuredForSeveralSequences) {
    const std::vector<BenchCase> cases =
        bench_cases(parse_command_line({"bench", "-p", "16", "-n", "8", "-d", "50", "--n-parallel", "1,4"}));
    ASSERT_EQ(cases.size(), 3U);
    EXPECT_EQ(cases[0].name(), "pp16 @ d50");
    EXPECT_EQ(cases[1].name(), "tg8 @ d50");
    EXPECT_EQ(cases[2].name(), "tg8 x 4 @ d50");
    BenchResult result;
    result.of = cases[2];
    result.nanos = {2e9};
    EXPECT_DOUBLE_EQ(result.rates().front(), 8 * 4 / 2.0);
}

TEST(BenchCases, SpreadIsThatOfASample) {
    const Spread spread = spread_of({2, 4, 9});
    EXPECT_DOUBLE_EQ(spread.mean, 5);
    EXPECT_DOUBLE_EQ(spread.median, 4);
    EXPECT_DOUBLE_EQ(spread.deviation, std::sqrt((9 + 1 + 16) / 2.0));
    EXPECT_DOUBLE_EQ(spread_of({4, 2}).median, 3);
    EXPECT_DOUBLE_EQ(spread_of({7}).deviation, 0);
}

TEST_F(Bench, PrintsARowForEachCombinationAsMarkdown) {
    const Outcome outcome =
        run({"-p", "32", "-n", "4", "-d", "0,300", "--kv-policy", "full,snapkv", "--kv-budget", "64"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const std::vector<std::string> lines = lines_of(outcome.out);
    ASSERT_EQ(lines.size(), 2U + 8) << outcome.out;
    for (const std::string & line : lines) {
        EXPECT_EQ(std::count(line.begin(), line.end(), '|'), 12) << line;
    }
    for (const char * name : {"| pp32 |", "| tg4 |", "| pp32 @ d300 |", "| tg4 @ d300 |"}) {
        EXPECT_NE(outcome.out.find(name), std::string::npos) << name << "\n" << outcome.out;
    }
}

TEST_F(Bench, DecodesSeveralSequencesTogether) {
    const Outcome outcome =
        run({"-p", "0", "-n", "3", "-d", "0,300", "--n-parallel", "1,5", "--kv-budget", "64", "-o", "json"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const Json rows = Json::parse(outcome.out);
    ASSERT_EQ(rows.size(), 4U);
    EXPECT_EQ(rows[1]["n_parallel"], 5);
    EXPECT_EQ(rows[1]["n_gen"], 3);
    EXPECT_EQ(rows[3]["samples_ns"].size(), 2U);
    EXPECT_EQ(run({"-n", "3", "--n-parallel", "0"}).status, 2);
}

TEST_F(Bench, GivesEverySampleAsJson) {
    const Outcome outcome =
        run({"-p", "200", "-n", "4", "-d", "0,1000", "--kv-budget", "64", "--kv-type", "bf16", "-o", "json"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const Json rows = Json::parse(outcome.out);
    ASSERT_EQ(rows.size(), 4U);
    const Json & prompt = rows[0];
    EXPECT_EQ(prompt["n_prompt"], 200);
    EXPECT_EQ(prompt["n_gen"], 0);
    EXPECT_EQ(prompt["n_threads"], 1);
    EXPECT_EQ(prompt["n_threads_batch"], 1);
    EXPECT_EQ(prompt["type_k"], "bf16");
    EXPECT_EQ(prompt["kv_budget"], "64");
    EXPECT_EQ(prompt["compressed"], true);
    EXPECT_EQ(prompt["rows_kept"], 64 * 2);  // one layer, two KV heads
    EXPECT_EQ(prompt["rows_full"], 200 * 2);
    ASSERT_EQ(prompt["samples_ns"].size(), 2U);
    EXPECT_NEAR(prompt["samples_ts"][0].get<double>(), 200e9 / prompt["samples_ns"][0].get<double>(), 1e-3);
    EXPECT_NEAR(prompt["avg_ts"].get<double>(), prompt["median_ts"].get<double>(),
                1e-6 * prompt["avg_ts"].get<double>());
    EXPECT_GT(prompt["cache_bytes_peak"], prompt["cache_bytes"]);
    EXPECT_GT(prompt["resident_bytes_peak"], 1000000);
    const Json & decode = rows[3];
    EXPECT_EQ(decode["n_depth"], 1000);
    EXPECT_EQ(decode["n_gen"], 4);
    EXPECT_EQ(decode["rows_kept"], 64 * 2);
    EXPECT_EQ(decode["rows_full"], 1000 * 2);
}

TEST_F(Bench, GivesTheSameColumnsAsCsv) {
    const Outcome outcome = run({"-p", "16", "-n", "2", "-o", "csv", "--no-warmup"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const std::vector<std::string> lines = lines_of(outcome.out);
    ASSERT_EQ(lines.size(), 3U) << outcome.out;
    EXPECT_TRUE(lines[0].starts_with("version,cpu_info,model_filename,"));
    const auto columns = std::count(lines[0].begin(), lines[0].end(), ',') + 1;
    for (const std::string & line : {lines[1], lines[2]}) {
        EXPECT_EQ(std::count(line.begin(), line.end(), '"'), 2 * columns) << line;
    }
}

TEST_F(Bench, GoesBeyondTheTrainedContext) {
    const Outcome outcome = run({"-p", "0", "-n", "2", "-d", "20000", "--kv-policy", "full"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("tg2 @ d20000"), std::string::npos) << outcome.out;
}

TEST_F(Bench, EndsOnInterruptWithTheRowsItHas) {
    const Outcome outcome = run({"-p", "64,60000,70000", "-n", "0"},
                                [](const Outcome & so_far) { return so_far.out.find("pp64") != std::string::npos; });
    EXPECT_EQ(outcome.status, 130) << outcome.err;
    EXPECT_EQ(lines_of(outcome.out).size(), 3U) << outcome.out;
    EXPECT_NE(outcome.err.find("interrupted"), std::string::npos) << outcome.err;
}

TEST_F(Bench, RefusesWhatCannotBe) {
    const auto error = [&](const std::vector<std::string> & rest) {
        const Outcome outcome = run(rest);
        EXPECT_EQ(outcome.status, 2) << outcome.err;
        EXPECT_EQ(outcome.err_lines().size(), 1U) << outcome.err;
        return outcome.err;
    };
    EXPECT_NE(error({"-p", "1,,2"}).find("--n-prompt"), std::string::npos);
    EXPECT_NE(error({"-n", "many"}).find("many"), std::string::npos);
    EXPECT_NE(error({"-d", "-1"}).find("-1"), std::string::npos);
    EXPECT_NE(error({"-o", "xml"}).find("xml"), std::string::npos);
    EXPECT_NE(error({"--kv-policy", "full,half"}).find("half"), std::string::npos);
    EXPECT_NE(error({"-p", "100", "--kv-budget", "20", "--kv-recent", "20"}).find("budget"), std::string::npos);
    EXPECT_EQ(run_snapkv({"bench"}).status, 2);
}

}  // namespace
}  // namespace snapkv::cli::test

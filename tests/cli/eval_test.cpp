// `snapkv eval` and `snapkv observe` from end to end on a tiny model: what is asked and written, and refusals.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "experiments.h"
#include "shell.h"

namespace snapkv::cli::test {
namespace {

using Json = nlohmann::json;

// Where a terminal is there to draw on: what is done, what is at hand, and the time left.
TEST_F(Experiments, ShowHowFarTheyAre) {
    const Outcome needle = run_snapkv_on_terminal(
        {"eval",      "needle", "-m",       model_,     "-t", "1",  "--raw",     "-o", out_,          "-f", text_,
         "--lengths", "900",    "--depths", "0,50,100", "-n", "20", "--budgets", "64", "--kv-window", "8"});
    ASSERT_EQ(needle.status, 0) << needle.err;
    EXPECT_NE(needle.err.find("/3  "), std::string::npos) << needle.err;
    EXPECT_NE(needle.err.find(" left  "), std::string::npos) << needle.err;
    const Outcome windows = run_snapkv_on_terminal(
        {"observe", "windows",     "-m", model_, "-t",        "1", "--raw",       "-o", folder_.file("seen"),
         "-f",      text_,         "-n", "300",  "--windows", "2", "--kv-window", "8",  "--budgets",
         "32",      "--threshold", "0"});
    ASSERT_EQ(windows.status, 0) << windows.err;
    EXPECT_NE(windows.err.find(" left"), std::string::npos) << windows.err;
}

// With the question hidden all questions look at the same rows; what a full cache answers does not change.
TEST_F(Experiments, HideTheQuestionFromTheVote) {
    const std::vector<std::string> rest{"-f",        text_, "--lengths",   "900", "--depths", "0,100",
                                        "--budgets", "64",  "--kv-window", "8",   "-n",       "3"};
    std::vector<std::string> hidden = rest;
    hidden.emplace_back("--hide-question");
    const Outcome outcome = run({"eval", "needle"}, hidden);
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const Json all = Json::parse(contents(out_ + "/results.json"));
    EXPECT_EQ(all["settings"]["--hide-question"], "yes");
    ASSERT_EQ(all["results"].size(), 4U);
    for (const Json & result : all["results"]) {
        EXPECT_EQ(result["compressed"].get<bool>(), result["variant"] != "full");
    }
    const Outcome seen = run({"eval", "needle"}, rest);
    EXPECT_EQ(seen.status, 2) << "other settings in the same folder";
    EXPECT_NE(seen.err.find("--hide-question"), std::string::npos) << seen.err;
}

// Caches that differ in their bits alone are branches of one prefill too.
TEST_F(Experiments, FidelityComparesTypesAndTheirRotation) {
    const Outcome outcome =
        run({"eval", "fidelity"}, {"-f", text_, "--lengths", "200", "--samples", "1", "-n", "6", "--policies", "full",
                                   "--kv-type", "f16,q4_0,q8_0/q4_0", "--kv-rotate", "on,off"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    const Json all = Json::parse(contents(out_ + "/results.json"));
    std::map<std::string, Json> results;
    for (const Json & result : all["results"]) {
        results[result["variant"]] = result;
    }
    ASSERT_EQ(results.size(), 5U);
    EXPECT_EQ(results["full, q4_0"]["bytes_kept"], results["full, q4_0, unrotated"]["bytes_kept"]);
    EXPECT_NE(results["full, q4_0"]["divergence"], results["full, q4_0, unrotated"]["divergence"]);
    EXPECT_NE(results["full, q8_0/q4_0"]["divergence"], results["full, q8_0/q4_0, unrotated"]["divergence"]);
    const std::string picture = contents(out_ + "/divergence-by-bytes-200.svg");
    EXPECT_NE(picture.find("full, quantised, unrotated"), std::string::npos);
}

TEST_F(Experiments, FidelityHidesTheQuestionToo) {
    const std::vector<std::string> rest{"-f",        text_, "--lengths",   "200", "--samples",      "1", "-n", "6",
                                        "--budgets", "32",  "--kv-window", "8",   "--hide-question"};
    const Outcome none = run({"eval", "fidelity"}, rest);
    EXPECT_EQ(none.status, 2);
    EXPECT_NE(none.err.find("--hide-question"), std::string::npos) << none.err;
    std::vector<std::string> asked = rest;
    asked.insert(asked.end(), {"-q", "When did the boat come?"});
    const Outcome hidden = run({"eval", "fidelity"}, asked);
    ASSERT_EQ(hidden.status, 0) << hidden.err;
    const Json all = Json::parse(contents(out_ + "/results.json"));
    ASSERT_EQ(all["results"].size(), 2U);
    EXPECT_EQ(all["results"][0]["answer"], all["results"][0]["reference"]) << "the full cache loses nothing";
    EXPECT_TRUE(all["results"][1]["compressed"].get<bool>());
}

TEST_F(Experiments, AskAndObserve) {
    const Outcome needle = run({"eval", "needle"}, {"-f", text_, "--lengths", "900", "--depths", "0,100", "--budgets",
                                                    "64", "--kv-window", "8", "-n", "3"});
    ASSERT_EQ(needle.status, 0) << needle.err;
    EXPECT_EQ(journal_lines(), 5U);
    EXPECT_NE(contents(out_ + "/grid1.svg").find("<svg"), std::string::npos);
    std::filesystem::remove_all(out_);
    const Outcome windows = run({"observe", "windows"}, {"-f", text_, "-n", "8", "--windows", "2", "--kv-window", "8",
                                                         "--budgets", "32", "--threshold", "0"});
    ASSERT_EQ(windows.status, 0) << windows.err;
    EXPECT_EQ(journal_lines(), 3U);  // a heading, and each layer
    EXPECT_NE(contents(out_ + "/by-head.svg").find("<svg"), std::string::npos);
    std::filesystem::remove_all(out_);
    const Outcome missed =
        run({"observe", "missed"}, {"-f", text_, "-n", "8", "--kv-window", "8", "--budgets", "32", "--kv-kernel", "5"});
    ASSERT_EQ(missed.status, 0) << missed.err;
    EXPECT_EQ(journal_lines(), 3U);
    EXPECT_NE(contents(out_ + "/by-distance.svg").find("<svg"), std::string::npos);
}

TEST_F(Experiments, PromptsLeaveRoomForTheAnswerThatIsAskedFor) {
    const Outcome needle = run({"eval", "needle"}, {"-f", text_, "-c", "1000", "--lengths", "1000", "-n", "300",
                                                    "--depths", "0,100", "--budgets", "64", "--kv-window", "8"});
    ASSERT_EQ(needle.status, 0) << needle.err;
    const Json results = Json::parse(contents(out_ + "/results.json"))["results"];
    ASSERT_EQ(results.size(), 4U);
    for (const Json & result : results) {
        EXPECT_EQ(result["dropped"], 0);
        EXPECT_LE(result["prompt_tokens"], 700);
        EXPECT_GT(result["prompt_tokens"], 600);
        EXPECT_EQ(result["place"]["length"], 1000);
    }
}

TEST_F(Experiments, ReadTheirTextFromAPipe) {
    const Outcome outcome = run_shell(folder_, R"(cd "$here"; "$snapkv" eval fidelity -m tiny.gguf -t 1 --raw \
        -f <(cat text.txt) --lengths 100 --samples 1 -n 4 --budgets 32 --kv-window 8 -o out)");
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(journal_lines(), 3U);
}

TEST_F(Experiments, RefuseWhatCannotBe) {
    EXPECT_EQ(run({"eval"}, {}).status, 2);
    EXPECT_EQ(run({"eval", "nonsense"}, {}).status, 2);
    EXPECT_EQ(run({"observe"}, {}).status, 2);
    EXPECT_EQ(run({"eval", "longbench"}, {}).status, 2);
    EXPECT_EQ(run({"eval", "needle"}, {"-f", folder_.file("absent")}).status, 1);
    const Outcome absent = run({"eval", "ruler"}, {"--data", folder_.file("absent.jsonl")});
    EXPECT_EQ(absent.status, 1);
    EXPECT_NE(absent.err.find("absent.jsonl: cannot be opened"), std::string::npos) << absent.err;
    for (const auto & [task, rest] : std::vector<std::pair<std::string, std::vector<std::string>>>{
             {"fidelity", {}},
             {"fidelity", {"-f", text_, "-n", "1"}},
             {"fidelity", {"-f", text_, "--hide-question"}},
             {"fidelity", {"-f", text_, "--lengths", "999999"}},
             {"needle", {}},
             {"needle", {"-f", text_, "--needle", "x"}},
             {"needle", {"-f", text_, "--lengths", "999999"}},
             {"ruler", {"--tasks", "typo"}},
             {"longbench", {"--data", text_, "--tasks", "typo"}}}) {
        const Outcome slip = run({"eval", task}, rest);
        const bool too_long = std::find(rest.begin(), rest.end(), "999999") != rest.end();
        EXPECT_EQ(slip.status, too_long ? 1 : 2) << slip.err;
    }
    EXPECT_EQ(run({"eval", "ruler"}, {}).status, 1) << "needs a haystack";
    EXPECT_EQ(run({"eval", "ruler"}, {"--tasks", "qa_1"}).status, 1) << "needs --squad";
    EXPECT_FALSE(std::filesystem::exists(out_)) << "a slip leaves no empty folder";
    const std::string broken = folder_.write("qasper.jsonl", "{\"prompt\": \"a\"}\n");
    const Outcome outcome = run({"eval", "longbench"}, {"--data", broken});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_NE(outcome.err.find("qasper.jsonl:1"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace snapkv::cli::test

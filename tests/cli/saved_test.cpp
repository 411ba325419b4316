// Saved sequences on the command line.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "folder.h"
#include "process.h"
#include "run_json.h"

namespace snapkv::cli::test {
namespace {

using Json = nlohmann::json;

const std::string boxes =
    "The red box holds a key, the blue box holds a coin and the green box holds a letter from an old friend. "
    "Nobody has opened the green box for many years, because nobody knew where the key for it was kept.";

class Saved : public ::testing::Test {
protected:
    Folder folder_;
    std::string file_ = folder_.file("prompt.kv");
    std::vector<std::string> prompt_{"-p",          boxes, "-q",          "What is in the red box?",
                                     "--kv-budget", "48",  "--kv-window", "16"};

    [[nodiscard]] std::vector<std::string> prompt_with(const std::vector<std::string> & rest) const {
        std::vector<std::string> arguments = prompt_;
        arguments.insert(arguments.end(), rest.begin(), rest.end());
        return arguments;
    }
};

TEST_F(Saved, GoesOnWhereThePromptEnded) {
    const Json whole = run_json(prompt_with({"-n", "8"}));
    (void)run_json(prompt_with({"-n", "0", "--save-kv", file_}));
    EXPECT_EQ(folder_.entries(), 1U);
    const Json later = run_json({"--load-kv", file_, "-n", "8"});
    EXPECT_EQ(later["tokens"], whole["tokens"]);
    EXPECT_EQ(later["text"], whole["text"]);
    EXPECT_EQ(later["prompt_tokens"], whole["prompt_tokens"]);
    EXPECT_EQ(later["kv"]["rows_kept"], whole["kv"]["rows_kept"]);
    EXPECT_EQ(later["timings"]["prompt_per_second"], 0);
}

TEST_F(Saved, EachQuestionIsATurnOfItsOwn) {
    (void)run_json(prompt_with({"-n", "0", "--save-kv", file_}));
    const Json both = run_json({"--load-kv", file_, "-q", "And in the blue box?", "-q", "Who wrote?", "-n", "3"});
    const Json first = run_json({"--load-kv", file_, "-q", "And in the blue box?", "-n", "3"});
    const Json second = run_json({"--load-kv", file_, "-p", "Who wrote?", "-n", "3"});
    ASSERT_EQ(both["answers"].size(), 2U);
    EXPECT_EQ(both["answers"][0]["tokens"], first["tokens"]);
    EXPECT_EQ(both["answers"][1]["tokens"], second["tokens"]);
    EXPECT_GT(first["prompt_tokens"], both["prompt_tokens"]);
}

TEST_F(Saved, FurtherTurnsGenerateUntilTheContextEnds) {
    (void)run_json(prompt_with({"-n", "0", "--save-kv", file_}));
    const Json json = run_json({"--load-kv", file_, "-q", "Count from 1 to 99.", "-c", "120", "-n", "8192"});
    EXPECT_LE(json["prompt_tokens"].get<int>() + json["generated_tokens"].get<int>(), 120);
    EXPECT_GT(json["generated_tokens"], 1);
    const Outcome full =
        run_snapkv(with_model("run", {"--load-kv", file_, "-c", std::to_string(json["prompt_tokens"].get<int>()), "-n",
                                      "0", "-q", "Count from 1 to 99."}));
    EXPECT_EQ(full.status, 1) << full.err;
    EXPECT_THAT(full.err, ::testing::HasSubstr("leaves no room for an answer"));
}

TEST_F(Saved, DumpsWhatEachTurnKept) {
    (void)run_json(prompt_with({"-n", "0", "--save-kv", file_}));
    const std::string kept = folder_.file("kept.json");
    const Json run = run_json(
        {"--load-kv", file_, "-q", "And in the blue box?", "-q", "Who wrote?", "-n", "1", "--dump-kept", kept});
    const Json dumped = Json::parse(contents(kept))["answers"];
    ASSERT_EQ(dumped.size(), 2U);
    for (std::size_t i = 0; i < dumped.size(); ++i) {
        EXPECT_EQ(dumped[i]["n_prompt"], run["answers"][i]["prompt_tokens"]);
        EXPECT_EQ(dumped[i]["layers"].size(), 30U);
    }
}

// Copies of all kept positions, here 1.2 MB for each turn, are made only for --dump-kept.
TEST_F(Saved, TurnsCopyNothingThatIsNotDumped) {
    const std::string model = folder_.file("deep.gguf");
    ASSERT_EQ(run_snapkv({"make-model", "-o", model, "--layers", "40"}).status, 0);
    std::string text;
    while (text.size() < 2600) {  // some 3,700 of the model's tokens
        text += boxes;
    }
    text.resize(2600);
    const std::vector<std::string> common{"run", "-m", model, "-t", "1", "--raw", "--json"};
    const auto resident = [&](std::vector<std::string> rest) {
        rest.insert(rest.begin(), common.begin(), common.end());
        const Outcome outcome = run_snapkv(rest);
        EXPECT_EQ(outcome.status, 0) << outcome.err;
        return Json::parse(outcome.out)["peak_rss_bytes"].get<std::int64_t>();
    };
    (void)resident({"-p", text, "-n", "0", "--kv-policy", "full", "--save-kv", file_});
    std::vector<std::string> turns{"--load-kv", file_, "-n", "1", "-q", "Why?"};
    const std::int64_t of_one = resident(turns);
    for (int i = 0; i < 40; ++i) {
        turns.insert(turns.end(), {"-q", "Why?"});
    }
    EXPECT_LT(resident(turns) - of_one, std::int64_t{30} << 20U);
}

TEST_F(Saved, ADryRunCountsTheTokensToCompute) {
    const Json saved = run_json(prompt_with({"-n", "0", "--save-kv", file_}));
    EXPECT_EQ(run_json({"--load-kv", file_, "--dry-run"})["prompt_tokens"], 0);
    const Json turn = run_json({"--load-kv", file_, "-q", "And in the blue box?", "-n", "1"});
    const int more = turn["prompt_tokens"].get<int>() - saved["prompt_tokens"].get<int>();
    EXPECT_EQ(run_json({"--load-kv", file_, "-q", "And in the blue box?", "--dry-run"})["prompt_tokens"], more);

    const Outcome outcome =
        run_snapkv(with_model("run", {"--load-kv", file_, "-q", "And in the blue box?", "-c", "100000000",
                                      "--allow-long", "-n", "100000000", "--dry-run", "--json"}));
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    const Json estimate = Json::parse(outcome.out);
    EXPECT_EQ(estimate["prompt_tokens"], more);
    EXPECT_LT(estimate["bytes_available"], estimate["bytes_needed"]);
    EXPECT_THAT(outcome.err, ::testing::HasSubstr("snapkv: error: the run needs "));
}

TEST_F(Saved, AnInterruptedTurnSaysWhatIsNotWritten) {
    (void)run_json(prompt_with({"-n", "0", "--save-kv", file_}));
    std::string message;
    for (int i = 0; i < 120; ++i) {
        message += boxes;
    }
    const std::string next = folder_.file("next.kv");
    const std::string kept = folder_.file("kept.json");
    const Outcome outcome = run_snapkv(
        with_model("run", {"--load-kv", file_, "-q", message, "--save-kv", next, "--dump-kept", kept, "--json"}), {},
        [](const Outcome & so_far) { return so_far.err.find("to prefill") != std::string::npos; });
    EXPECT_EQ(outcome.status, 130) << outcome.err;
    EXPECT_EQ(Json::parse(outcome.out)["stop_reason"], "interrupt");
    EXPECT_THAT(outcome.err, ::testing::HasSubstr("snapkv: --save-kv: not written: interrupted\n"));
    EXPECT_THAT(outcome.err, ::testing::HasSubstr("snapkv: --dump-kept: not written: interrupted\n"));
    EXPECT_EQ(folder_.entries(), 1U);
}

TEST_F(Saved, RefusesWhatContradictsTheFile) {
    (void)run_json(prompt_with({"-n", "0", "--save-kv", file_}));
    for (const auto & [option, value] : std::vector<std::pair<std::string, std::string>>{{"--kv-budget", "64"},
                                                                                         {"--kv-policy", "full"},
                                                                                         {"--kv-window", "auto"},
                                                                                         {"--kv-type", "f32"},
                                                                                         {"--kv-rotate", "off"}}) {
        const Outcome outcome = run_snapkv(with_model("run", {"--load-kv", file_, option, value}));
        EXPECT_EQ(outcome.status, 2) << outcome.err;
        EXPECT_EQ(outcome.err_lines().size(), 1U) << outcome.err;
        EXPECT_THAT(outcome.err, ::testing::HasSubstr(fmt::format("{} {} contradicts", option, value)));
    }
    (void)run_json({"--load-kv", file_, "-n", "1", "--kv-budget", "48", "--kv-window", "16"});
}

TEST_F(Saved, SavesTheAnswerToo) {
    (void)run_json(prompt_with({"-n", "3", "--save-kv", file_}));
    const Json later = run_json({"--load-kv", file_, "-n", "5"});
    const Json whole = run_json(prompt_with({"-n", "8"}));
    Json joined = run_json(prompt_with({"-n", "3"}))["tokens"];
    for (const Json & token : later["tokens"]) {
        joined.push_back(token);
    }
    EXPECT_EQ(joined, whole["tokens"]);
}

}  // namespace
}  // namespace snapkv::cli::test

// Experiments that go on where an earlier run stopped, and what keeps results of different inputs apart.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "experiments.h"

namespace snapkv::cli::test {
namespace {

using Json = nlohmann::json;

TEST_F(Experiments, WriteTheirResultsAndGoOnWhereTheyStopped) {
    const Outcome first = fidelity("32");
    ASSERT_EQ(first.status, 0) << first.err;
    EXPECT_NE(first.out.find("auto 32"), std::string::npos) << first.out;
    EXPECT_EQ(journal_lines(), 5U);  // a heading, two samples with two caches each
    for (const char * name : {"report.html", "report.md", "results.csv", "divergence-by-bytes-200.svg"}) {
        EXPECT_FALSE(contents(out_ + "/" + name).empty()) << name;
    }
    const Json all = Json::parse(contents(out_ + "/results.json"));
    ASSERT_EQ(all["results"].size(), 4U);
    EXPECT_EQ(all["settings"]["model_hash"].get<std::string>().size(), 64U);
    for (const Json & result : all["results"]) {
        if (result["variant"] == "full") {
            EXPECT_EQ(result["answer"], result["reference"]);
            EXPECT_EQ(result["rows_kept"], result["rows_full"]);
        } else {
            EXPECT_TRUE(result["compressed"].get<bool>());
            EXPECT_LT(result["rows_kept"].get<double>(), result["rows_full"].get<double>());
        }
    }

    // What a killed run leaves: the last line cut off.
    const std::string journal = contents(out_ + "/results.jsonl");
    std::filesystem::resize_file(out_ + "/results.jsonl", journal.size() - 20);
    const Outcome second = fidelity("32");
    ASSERT_EQ(second.status, 0) << second.err;
    EXPECT_NE(second.err.find("resuming after 3 results"), std::string::npos) << second.err;
    EXPECT_EQ(contents(out_ + "/results.jsonl"), journal);

    const Outcome other = fidelity("40");
    EXPECT_EQ(other.status, 2);
    EXPECT_NE(other.err.find("--kv-budget was \"32\" and is now \"40\""), std::string::npos) << other.err;
}

TEST_F(Experiments, ResultsSoFarOutliveAnInterrupt) {
    const std::vector<std::string> rest{"-f",         text_, "--lengths", "900",   "--depths",    "0,20,40,60,80,100",
                                        "-n",         "40",  "--budgets", "64,96", "--kv-window", "8",
                                        "--prefills", "each"};
    std::vector<std::string> arguments{"eval", "needle"};
    arguments.insert(arguments.end(), {"-m", model_, "-t", "1", "--raw", "-o", out_});
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    const Outcome cut = run_snapkv(arguments, {}, [&](const Outcome & /*so_far*/) { return journal_lines() > 2; });
    ASSERT_EQ(cut.status, 130) << cut.err;
    EXPECT_NE(cut.err.find("run the same command again to resume"), std::string::npos) << cut.err;
    const std::size_t before = journal_lines();
    EXPECT_GT(before, 2U);
    EXPECT_LT(before, 19U);
    EXPECT_FALSE(contents(out_ + "/report.html").empty());
    const Outcome whole = run({"eval", "needle"}, rest);
    ASSERT_EQ(whole.status, 0) << whole.err;
    EXPECT_NE(whole.err.find("resuming after"), std::string::npos) << whole.err;
    EXPECT_EQ(journal_lines(), 19U);  // a heading, six needles with three caches each
}

TEST_F(Experiments, AnInterruptedLookLeavesNothingHalfSeen) {
    const std::vector<std::string> rest{"-f",          text_, "-n",        "300", "--windows",   "2",
                                        "--kv-window", "8",   "--budgets", "32",  "--threshold", "0"};
    std::vector<std::string> arguments{"observe", "windows", "-m", model_, "-t", "1", "--raw", "-o", out_};
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    const Outcome cut = run_snapkv(
        arguments, {}, [](const Outcome & so_far) { return so_far.err.find("to observe") != std::string::npos; });
    ASSERT_EQ(cut.status, 130) << cut.err;
    EXPECT_NE(cut.err.find("interrupted"), std::string::npos) << cut.err;
    EXPECT_FALSE(std::filesystem::exists(out_ + "/report.html"));
    EXPECT_EQ(run({"observe", "windows"}, rest).status, 0);
    EXPECT_FALSE(contents(out_ + "/report.html").empty());
}

TEST_F(Experiments, RefuseToGoOnWithOtherContents) {
    ASSERT_EQ(fidelity("32").status, 0);
    std::string text = contents(text_);
    text.front() = 't';
    (void)folder_.write("text.txt", text);
    const Outcome other = fidelity("32");
    EXPECT_EQ(other.status, 2);
    EXPECT_NE(other.err.find("SHA-256 of " + text_ + " was \""), std::string::npos) << other.err;
    EXPECT_EQ(other.err_lines().size(), 1U) << other.err;
    EXPECT_EQ(journal_lines(), 5U);

    // Another name means another setting; a time that was touched means nothing.
    text.front() = 'T';
    (void)folder_.write("text.txt", text);
    EXPECT_EQ(fidelity("32").status, 0);
    (void)folder_.write("tiny.gguf", contents(folder_.file("tiny.gguf")));
    EXPECT_EQ(fidelity("32").status, 0);
    EXPECT_EQ(run_snapkv({"make-model", "-o", model_, "--layers", "2", "-s", "9", "--force"}).status, 0);
    const Outcome other_model = fidelity("32");
    EXPECT_EQ(other_model.status, 2);
    EXPECT_NE(other_model.err.find("model_hash was"), std::string::npos) << other_model.err;
}

TEST_F(Experiments, RefuseToGoOnWithOtherData) {
    const auto line = [](const std::string & answer) {
        return R"({"input": "Lines. What is it?", "context": "The code is 5.", "answers": [")" + answer + "\"]}\n";
    };
    const std::string data = folder_.file("data");
    std::filesystem::create_directory(data);
    (void)folder_.write("data/hotpotqa_e.jsonl", line("5"));
    (void)folder_.write("data/notes.jsonl", "no set's\n");
    const std::vector<std::string> rest{"--data", data, "--budgets", "16", "--kv-window", "4", "-n", "2"};
    const Outcome first = run({"eval", "longbench"}, rest);
    ASSERT_EQ(first.status, 0) << first.err;
    EXPECT_NE(contents(out_ + "/results.jsonl").find("\"part\":\"hotpotqa_e\""), std::string::npos);

    // Files that no set is named after are not read.
    (void)folder_.write("data/notes.jsonl", "changed\n");
    EXPECT_EQ(run({"eval", "longbench"}, rest).status, 0);
    (void)folder_.write("data/hotpotqa_e.jsonl", line("6"));
    const Outcome other = run({"eval", "longbench"}, rest);
    EXPECT_EQ(other.status, 2);
    EXPECT_NE(other.err.find("SHA-256 of " + data + "/hotpotqa_e.jsonl was \""), std::string::npos) << other.err;

    std::filesystem::remove(folder_.file("data/hotpotqa_e.jsonl"));
    const Outcome none = run({"eval", "longbench"}, rest);
    EXPECT_EQ(none.status, 1);
    EXPECT_NE(none.err.find("no file is named after a LongBench set"), std::string::npos) << none.err;
}

TEST_F(Experiments, ObservationsRefuseOtherContentsToo) {
    const std::vector<std::string> rest{"-f",          text_, "-n",        "8",  "--windows",   "2",
                                        "--kv-window", "8",   "--budgets", "32", "--threshold", "0"};
    ASSERT_EQ(run({"observe", "windows"}, rest).status, 0);
    EXPECT_EQ(run({"observe", "windows"}, rest).status, 0);
    (void)folder_.write("text.txt", contents(text_) + "One more.");
    const Outcome other = run({"observe", "windows"}, rest);
    EXPECT_EQ(other.status, 2);
    EXPECT_NE(other.err.find("SHA-256 of " + text_), std::string::npos) << other.err;
}

TEST_F(Experiments, RefuseToGoOnWithOtherQuestions) {
    Json others = Json::array();  // to fill prompts with
    Json titled = Json::array();
    for (int i = 0; i < 60; ++i) {
        const std::string text = "Paragraph " + std::to_string(i) + " is about something else than any kind of tea.";
        others.push_back({{"context", text}, {"qas", Json::array()}});
        titled.push_back({"Title", {text}});
    }
    const auto squad = [&](const std::string & answer) {
        Json paragraphs = others;
        paragraphs[0]["qas"] = {{{"question", "What is tea?"}, {"answers", {{{"text", answer}}}}}};
        return folder_.write("squad.json", Json{{"data", {{{"paragraphs", paragraphs}}}}}.dump());
    };
    const auto hotpotqa = [&](const std::string & answer) {
        Json questions = Json::array();  // the first one's paragraph leaves room for those of the second
        questions.push_back(
            {{"question", "Is tea green?"}, {"answer", answer}, {"context", Json::array({titled.front()})}});
        questions.push_back({{"question", "Is tea black?"}, {"answer", "yes"}, {"context", titled}});
        return folder_.write("hotpotqa.json", questions.dump());
    };
    const std::vector<std::string> rest{"--squad",     squad("a drink"),
                                        "--hotpotqa",  hotpotqa("yes"),
                                        "--tasks",     "qa_1,qa_2",
                                        "--lengths",   "1500",
                                        "--samples",   "1",
                                        "-n",          "2",
                                        "--budgets",   "16",
                                        "--kv-window", "4"};
    const Outcome first = run({"eval", "ruler"}, rest);
    ASSERT_EQ(first.status, 0) << first.err;
    EXPECT_EQ(run({"eval", "ruler"}, rest).status, 0);
    const std::string other_squad = squad("a plant");
    const Outcome other = run({"eval", "ruler"}, rest);
    EXPECT_EQ(other.status, 2);
    EXPECT_NE(other.err.find("SHA-256 of " + other_squad + " was \""), std::string::npos) << other.err;
    (void)squad("a drink");
    EXPECT_EQ(run({"eval", "ruler"}, rest).status, 0);
    const std::string other_hotpotqa = hotpotqa("no");
    const Outcome another = run({"eval", "ruler"}, rest);
    EXPECT_EQ(another.status, 2);
    EXPECT_NE(another.err.find("SHA-256 of " + other_hotpotqa + " was \""), std::string::npos) << another.err;
}

// RULER's own layout: each task in a folder, all files of one name.
TEST_F(Experiments, FilesOfOneNameAreToldApart) {
    const std::string line = R"({"input": "The code is 5.", "outputs": ["5"], "index": 0})"
                             "\n";
    for (const char * task : {"vt", "cwe"}) {
        std::filesystem::create_directory(folder_.file(task));
        (void)folder_.write(task + std::string("/validation.jsonl"), line);
    }
    const std::vector<std::string> rest{
        "--data", folder_.file("vt"), "--data", folder_.file("cwe"), "--budgets", "8", "--kv-window", "2", "-n", "2"};
    const Outcome both = run({"eval", "ruler"}, rest);
    ASSERT_EQ(both.status, 0) << both.err;
    EXPECT_EQ(journal_lines(), 5U);
    for (const char * part : {"\"part\":\"vt/validation\"", "\"part\":\"cwe/validation\""}) {
        EXPECT_NE(contents(out_ + "/results.jsonl").find(part), std::string::npos) << part;
    }
    std::filesystem::remove_all(out_);

    const Outcome twice = run({"eval", "ruler"}, {"--data", folder_.file("vt"), "--data",
                                                  folder_.file("vt/validation.jsonl"), "--budgets", "8"});
    EXPECT_EQ(twice.status, 2);
    EXPECT_NE(twice.err.find("would both be called vt/validation; rename one of them"), std::string::npos) << twice.err;
    EXPECT_FALSE(std::filesystem::exists(out_));
}

// One part holds all files of lines, whose ids are their places in them.
TEST_F(Experiments, LinesOfSeveralFilesAreToldApart) {
    const auto line = [](const std::string & value) {
        return R"({"num_lines": 2, "random_idx": ["one", 0], "expected_number": )" + value +
               R"(, "prompt": "line one: REGISTER_CONTENT is <)" + value + R"(>. Tell me."})" + "\n";
    };
    const std::string first = folder_.write("first.jsonl", line("5"));
    const std::string second = folder_.write("second.jsonl", line("6"));
    const Outcome both =
        run({"eval", "lines"}, {"--data", first, "--data", second, "--budgets", "8", "--kv-window", "2", "-n", "2"});
    ASSERT_EQ(both.status, 0) << both.err;
    EXPECT_EQ(journal_lines(), 5U);
    EXPECT_NE(contents(out_ + "/results.jsonl").find("\"sample\":\"second/2-1\""), std::string::npos);
}

// Latin-1, for instance.
TEST_F(Experiments, FilesMayHaveAnyNames) {
    text_ = folder_.write("caf\xE9.txt", contents(text_));
    for (int again = 0; again < 2; ++again) {
        const Outcome outcome = fidelity("32");
        EXPECT_EQ(outcome.status, 0) << outcome.err;
    }
    EXPECT_EQ(journal_lines(), 5U);
    EXPECT_NE(contents(out_ + "/results.jsonl").find("caf\uFFFD.txt"), std::string::npos);
    (void)folder_.write("caf\xE9.txt", contents(text_) + "More.");
    const Outcome other = fidelity("32");
    EXPECT_EQ(other.status, 2);
    EXPECT_NE(other.err.find("SHA-256 of "), std::string::npos) << other.err;
    std::filesystem::remove_all(out_);

    const std::string data =
        folder_.write("s\xE9t.jsonl", R"({"input": "The code is 5.", "outputs": ["5"], "index": 0})"
                                      "\n");
    for (int again = 0; again < 2; ++again) {
        const Outcome outcome =
            run({"eval", "ruler"}, {"--data", data, "--budgets", "8", "--kv-window", "2", "-n", "2"});
        EXPECT_EQ(outcome.status, 0) << outcome.err;
        EXPECT_EQ(journal_lines(), 3U);
    }
}

TEST_F(Experiments, AHalfWrittenLookIsTakenAgain) {
    const std::vector<std::string> rest{"-f",          text_, "-n",        "8",  "--windows",   "2",
                                        "--kv-window", "8",   "--budgets", "32", "--threshold", "0"};
    ASSERT_EQ(run({"observe", "windows"}, rest).status, 0);
    const std::string journal = contents(out_ + "/results.jsonl");
    ASSERT_EQ(journal_lines(), 3U);  // a heading, and each layer
    std::filesystem::resize_file(out_ + "/results.jsonl", journal.size() - 20);
    std::filesystem::remove(out_ + "/report.md");
    const Outcome again = run({"observe", "windows"}, rest);
    ASSERT_EQ(again.status, 0) << again.err;
    EXPECT_EQ(contents(out_ + "/results.jsonl"), journal);
    EXPECT_FALSE(contents(out_ + "/report.md").empty());
}

}  // namespace
}  // namespace snapkv::cli::test

#include "eval/longbench.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "eval/lines_file.h"

namespace snapkv::eval {
namespace {

double official_score(const LongBenchSet & set, std::string_view prediction, const Sample & sample) {
    const Part part = longbench_part(set, {});
    return score_of(part, part.metrics.front(), prediction, sample);
}

using test::LinesFile;
using testing::ElementsAre;
using testing::IsEmpty;

SampleFile read_line(const nlohmann::json & line, std::string_view set) {
    return read_longbench(LinesFile(line.dump() + "\n").path(), longbench_set(set), false);
}

std::string error_for(const nlohmann::json & line, std::string_view set) {
    return LinesFile(line.dump() + "\n").error_of([&](const std::string & path) {
        return read_longbench(path, longbench_set(set), false);
    });
}

nlohmann::json official_line() {
    return {{"context", "Some passages."},
            {"input", "Who?"},
            {"answers", {"she", "her"}},
            {"all_classes", nullptr},
            {"_id", "abc"},
            {"dataset", "hotpotqa"},
            {"language", "en"},
            {"length", 3}};
}

TEST(LongBench, GroupsTheSamplesOfLongBenchEByLength) {
    const cli::test::Folder folder;
    const auto place = [&](const std::string & file, const nlohmann::json & length) {
        nlohmann::json line = official_line();
        line["length"] = length;
        return read_longbench(folder.write(file, line.dump() + "\n"), longbench_set("hotpotqa"), false)
            .samples.at(0)
            .place;
    };
    const std::vector<std::pair<int, std::string>> groups{{0, "0-4k"},    {3999, "0-4k"}, {4000, "4-8k"},
                                                          {7999, "4-8k"}, {8000, "8k+"},  {30000, "8k+"}};
    for (const auto & [length, group] : groups) {
        const auto found = place("hotpotqa_e.jsonl", length);
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(found[0].first, "length");
        EXPECT_EQ(length_group_text(found[0].second), group) << length;
    }
    EXPECT_THAT(place("hotpotqa_e.jsonl", nullptr), IsEmpty());
    EXPECT_THAT(place("hotpotqa.jsonl", 5000), IsEmpty());
}

TEST(LongBench, PutsOfficialLinesIntoTheOfficialPrompt) {
    const SampleFile read = read_line(official_line(), "hotpotqa");
    const Sample & sample = read.samples.at(0);
    EXPECT_EQ(sample.document,
              "Answer the question based on the given passages. Only give me the answer and do not output any other "
              "words.\n\nThe following are given passages.\nSome passages.");
    EXPECT_EQ(
        sample.question,
        "\n\nAnswer the question based on the given passages. Only give me the answer and do not output any other "
        "words.\n\nQuestion: Who?\nAnswer:");
    EXPECT_EQ(sample.id, "abc");
    EXPECT_EQ(sample.answer_prefix, "");
    EXPECT_THAT(sample.answers, ElementsAre("she", "her"));
    EXPECT_THAT(sample.classes, IsEmpty());
    EXPECT_EQ(sample.max_tokens, 32U);
    EXPECT_EQ(read.undivided, 0U);
}

TEST(LongBench, LeavesOutTheInputThatAPromptHasNoPlaceFor) {
    nlohmann::json line = official_line();
    line["dataset"] = "lcc";
    const Sample sample = read_line(line, "lcc").samples.at(0);
    EXPECT_EQ(sample.document, "Please complete the code given below. \nSome passages.");
    EXPECT_EQ(sample.question, "Next line of code:\n");
}

/// The input of a set's samples begins as its question does where the official prompt has nothing fixed before it.
nlohmann::json line_for(const LongBenchSet & set) {
    nlohmann::json line = official_line();
    line["dataset"] = set.name;
    line["answers"] = {"Paragraph 3"};
    line["all_classes"] = {"Paragraph 3", "Paragraph 4"};
    line["input"] = set.name == "trec"       ? "Question: Who?\nType:"
                    : set.name == "triviaqa" ? "Passage:\nShe.\nQuestion:\nWho?\nAnswer:\n"
                    : set.name == "samsum"   ? "Dialogue: A: Who?\nSummary: "
                                             : "Who?";
    return line;
}

TEST(LongBench, DividesReadyPromptsWhereTheQuestionBegins) {
    for (const LongBenchSet & set : longbench_sets()) {
        nlohmann::json line = line_for(set);
        const Sample official = read_line(line, set.name).samples.at(0);
        line["prompt"] = official.document + official.question;
        line.erase("context");
        line.erase("input");
        const SampleFile read = read_line(line, set.name);
        const Sample & ready = read.samples.at(0);
        // Where the code at hand begins cannot be seen in a ready prompt.
        const std::string input = set.name == "repobench-p" ? "Who?" : "";
        EXPECT_EQ(ready.document, official.document + input) << set.name;
        EXPECT_EQ(input + ready.question, official.question) << set.name;
        EXPECT_EQ(ready.classes, official.classes) << set.name;
        EXPECT_EQ(ready.max_tokens, official.max_tokens) << set.name;
        EXPECT_EQ(read.undivided, 0U) << set.name;
    }
}

TEST(LongBench, TakesTheLastOfSeveralQuestions) {
    nlohmann::json line = line_for(longbench_set("trec"));
    line["prompt"] = "Types.\n\nQuestion: What?\nType: X\nQuestion: Who?\nType:";
    line.erase("context");
    const Sample sample = read_line(line, "trec").samples.at(0);
    EXPECT_EQ(sample.document, "Types.\n\nQuestion: What?\nType: X");
    EXPECT_EQ(sample.question, "\nQuestion: Who?\nType:");
}

TEST(LongBench, DividesReadyPromptsOfOtherWordings) {
    const nlohmann::json line = {
        {"prompt",
         "Given passages.\nText.\n\nAnswer the question based on the given passages. Question: Who?\nAnswer:"},
        {"answers", {"she"}}};
    const Sample sample = read_line(line, "qasper").samples.at(0);
    EXPECT_EQ(sample.document, "Given passages.\nText.");
    EXPECT_EQ(sample.id, "1");
}

TEST(LongBench, SaysWhereTheQuestionCannotBeTold) {
    const SampleFile read = read_line({{"prompt", "Text. Who?"}, {"answers", {"she"}}}, "hotpotqa");
    EXPECT_EQ(read.undivided, 1U);
    EXPECT_EQ(read.samples.at(0).document, "Text. Who?");
    EXPECT_EQ(read.samples.at(0).question, "");
}

TEST(LongBench, ReadsTheClassesOfAClassification) {
    nlohmann::json line = line_for(longbench_set("trec"));
    EXPECT_THAT(read_line(line, "trec").samples.at(0).classes, ElementsAre("Paragraph 3", "Paragraph 4"));
    line.erase("all_classes");
    EXPECT_EQ(error_for(line, "trec"), ":1: the field \"all_classes\" is missing");
    line["all_classes"] = nullptr;
    EXPECT_EQ(error_for(line, "trec"), ":1: field \"all_classes\": found null, expected a list of at least one string");
}

TEST(LongBench, TellsSetsApart) {
    nlohmann::json line = official_line();
    EXPECT_EQ(error_for(line, "musique"), ":1: field \"dataset\": found \"hotpotqa\", expected \"musique\"");
    line["dataset"] = "hotpotqa_e";
    EXPECT_EQ(read_line(line, "hotpotqa").samples.size(), 1U);
}

TEST(LongBench, NamesAMissingField) {
    nlohmann::json line = official_line();
    line.erase("input");
    EXPECT_EQ(error_for(line, "hotpotqa"), ":1: the field \"input\" is missing");
    line = official_line();
    line.erase("answers");
    EXPECT_EQ(error_for(line, "hotpotqa"), ":1: the field \"answers\" is missing");
    line = official_line();
    line.erase("context");
    EXPECT_EQ(error_for(line, "hotpotqa"),
              ":1: the fields \"context\" (official format) and \"prompt\" (ready prompts) are both missing");
}

TEST(LongBench, RefusesAnswersOfAnotherForm) {
    nlohmann::json line = line_for(longbench_set("passage_retrieval_en"));
    line["answers"] = {"Paragraph 3", "4"};
    EXPECT_EQ(error_for(line, "passage_retrieval_en"),
              ":1: field \"answers\": found a list, expected \"Paragraph N\" in each");
}

TEST(LongBench, GoesOnAfterBrokenLines) {
    nlohmann::json wrong = official_line();
    wrong["answers"] = "she";
    nlohmann::json other = official_line();
    other["_id"] = "def";
    const LinesFile file(wrong.dump() + "\n" + official_line().dump() + "\n" + official_line().dump() + "\n" +
                         other.dump());
    const SampleFile read = read_longbench(file.path(), longbench_set("hotpotqa"), true);
    ASSERT_EQ(read.samples.size(), 2U);
    EXPECT_EQ(read.samples[1].id, "def");
    EXPECT_THAT(
        read.skipped,
        ElementsAre(file.path() + ":1: field \"answers\": found \"she\", expected a list of at least one string",
                    file.path() + ":3: has the same id as line 2"));
}

Sample answered(std::vector<std::string> answers) {
    Sample sample;
    sample.answers = std::move(answers);
    return sample;
}

TEST(LongBenchScore, ScoresTheFirstLineOfFewShotSets) {
    const Sample sample = answered({"55"});
    EXPECT_EQ(official_score(longbench_set("triviaqa"), "\n\n55\nPassage:\nMore", sample), 1);
    EXPECT_EQ(official_score(longbench_set("hotpotqa"), "55\nPassage:\nMore", sample), 0.5);  // 55, passage, more
}

TEST(LongBenchScore, UsesTheSetsMetric) {
    EXPECT_EQ(official_score(longbench_set("passage_count"), "5 or 6", answered({"6"})), 0.5);
    EXPECT_EQ(official_score(longbench_set("lcc"), "# a\nabcd\nx", answered({"bcde"})), 0.75);
    EXPECT_GT(official_score(longbench_set("samsum"), "A is here\nDialogue: B", answered({"x", "A is here"})), 0.99);
}

}  // namespace
}  // namespace snapkv::eval

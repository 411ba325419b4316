#include "eval/ruler_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "eval/lines_file.h"

namespace snapkv::eval {
namespace {

using test::LinesFile;
using testing::ElementsAre;
using testing::HasSubstr;

nlohmann::json line_of(const std::string & input, std::uint64_t index = 0) {
    return {{"index", index}, {"input", input}, {"outputs", {"one", "two"}}, {"length", 100U}};
}

RulerFile read_line(const nlohmann::json & line) {
    return read_ruler(LinesFile(line.dump() + "\n").path(), false);
}

struct Case {
    std::string document;
    std::string question;
    std::string prefix;
    std::uint32_t max_tokens = 0;
    Metric metric = Metric::MatchAll;
};

const std::vector<Case> cases = {
    {"Hidden: x.\nOne of the special magic numbers for x is: 1.",
     "\nWhat is the special magic number for x mentioned in the provided text?",
     " The special magic number for x mentioned in the provided text is", 128},
    {"Hidden: x.\nOne of the special magic numbers for x is: 1.",
     "\nWhat are all the special magic numbers for x mentioned in the provided text?",
     " The special magic numbers for x mentioned in the provided text are", 128},
    {"VAR A = 1\nQuestion: Find all variables that are assigned the value 9 in the text above. Answer: B\nVAR C = A",
     "\nQuestion: Find all variables that are assigned the value 1 in the text above.",
     " Answer: According to the chain(s), 2 variables are assigned the value 1, they are: ", 30},
    {"1. cat 2. dog", "\nQuestion: What are the 10 most common words in the above list?",
     " Answer: The top 10 words that appear most often in the list are:", 120},
    {"a .... b",
     "\nQuestion: Do not provide any explanation. Please ignore the dots '....'. What are the three most frequently "
     "appeared words in the above coded text?",
     " Answer: According to the coded text above, the three most frequently appeared words are:", 50},
    {"Answer the question based on the given documents. Only the answer.\n\nDocument 1:\nCats.",
     "\n\nAnswer the question based on the given documents. Only the answer.\n\nQuestion: What?", " Answer:", 32,
     Metric::MatchPart},
};

TEST(Ruler, TellsTheKindAndItsPartsFromTheQuestion) {
    for (const Case & expected : cases) {
        const RulerFile read = read_line(line_of(expected.document + expected.question + expected.prefix));
        const Sample & sample = read.file.samples.at(0);
        EXPECT_EQ(sample.document, expected.document);
        EXPECT_EQ(sample.question, expected.question);
        EXPECT_EQ(sample.answer_prefix, expected.prefix);
        EXPECT_EQ(sample.max_tokens, expected.max_tokens) << expected.question;
        EXPECT_EQ(read.metric, expected.metric) << expected.question;
        EXPECT_EQ(read.file.undivided, 0U);
        EXPECT_EQ(sample.id, "0");
        EXPECT_THAT(sample.answers, ElementsAre("one", "two"));
    }
}

TEST(Ruler, TakesTheAnswersBeginningFromItsField) {
    for (const Case & expected : cases) {
        nlohmann::json line = line_of(expected.document + expected.question);
        line["answer_prefix"] = expected.prefix;
        const Sample sample = read_line(line).file.samples.at(0);
        EXPECT_EQ(sample.question, expected.question);
        EXPECT_EQ(sample.answer_prefix, expected.prefix);
    }
}

TEST(Ruler, TakesAQuestionWithoutAnAnswersBeginning) {
    const Sample sample = read_line(line_of(cases[0].document + cases[0].question)).file.samples.at(0);
    EXPECT_EQ(sample.question, cases[0].question);
    EXPECT_EQ(sample.answer_prefix, "");
}

TEST(Ruler, SaysWhereTheKindIsUnknown) {
    const RulerFile read = read_line(line_of("Which one? Answer:"));
    EXPECT_EQ(read.file.undivided, 1U);
    EXPECT_EQ(read.metric, Metric::MatchAll);
    const Sample & sample = read.file.samples.at(0);
    EXPECT_EQ(sample.document, "Which one? Answer:");
    EXPECT_EQ(sample.question, "");
    EXPECT_EQ(sample.answer_prefix, "");
    EXPECT_EQ(sample.max_tokens, 128U);
}

std::string ruler_error(const std::string & bytes) {
    return LinesFile(bytes).error_of([](const std::string & path) { return read_ruler(path, false); });
}

TEST(Ruler, RefusesAMixOfKinds) {
    const std::string bytes = line_of(cases[0].document + cases[0].question, 0).dump() + "\n" +
                              line_of(cases[5].document + cases[5].question, 1).dump();
    EXPECT_THAT(ruler_error(bytes), HasSubstr(":2: field \"input\": found a task of kind \"question answering\", "
                                              "expected \"needle\" as before"));
}

TEST(Ruler, RefusesAnIdTwice) {
    const std::string line = line_of(cases[0].document + cases[0].question, 4).dump();
    EXPECT_EQ(ruler_error(line + "\n\n" + line), ":3: has the same id as line 1");
    const LinesFile file(line + "\n" + line);
    const RulerFile read = read_ruler(file.path(), true);
    EXPECT_EQ(read.file.samples.size(), 1U);
    EXPECT_EQ(read.file.undivided, 0U);
    EXPECT_THAT(read.file.skipped, ElementsAre(file.path() + ":2: has the same id as line 1"));
}

TEST(Ruler, NamesAMissingField) {
    for (const char * field : {"input", "outputs"}) {
        nlohmann::json line = line_of("x");
        line.erase(field);
        EXPECT_EQ(ruler_error(line.dump()), std::string(":1: the field \"") + field + "\" is missing");
    }
    nlohmann::json line = line_of("x");
    line["answer_prefix"] = 1U;
    EXPECT_EQ(ruler_error(line.dump()), ":1: field \"answer_prefix\": found 1, expected a string");
}

}  // namespace
}  // namespace snapkv::eval

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <sstream>

#include "eval/ruler_inputs.h"
#include "support/error_of.h"

namespace snapkv::eval {
namespace {

using snapkv::test::error_of;
using test::count_pieces;
using test::occurrences;
using test::ruler_inputs;
using test::ruler_request;
using test::ruler_sample;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

/// How often each word comes in a text, numbers such as "12." left out.
std::map<std::string, int> frequencies(const std::string & text) {
    std::map<std::string, int> result;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        if (word.find_first_not_of("0123456789") != word.size() - 1 || word.back() != '.') {
            ++result[word];
        }
    }
    return result;
}

std::map<int, int> times_each(const std::map<std::string, int> & words) {
    std::map<int, int> result;
    for (const auto & [word, times] : words) {
        ++result[times];
    }
    return result;
}

/// What follows the last `mark`.
std::string after_last(const std::string & text, const std::string & mark) {
    const std::size_t at = text.rfind(mark);
    EXPECT_NE(at, std::string::npos) << mark;
    return text.substr(at + mark.size());
}

// Follows the assignments, line by line, as a reader would.
TEST(RulerTracing, VariablesLeadToTheValue) {
    const Sample sample = ruler_sample("vt", 4096);
    const std::string start =
        "Memorize and track the chain(s) of variable assignment hidden in the following text.\n\n";
    EXPECT_EQ(occurrences(sample.document, start), 2U);  // an example first
    EXPECT_EQ(sample.document.substr(0, start.size()), start);
    std::map<std::string, std::string> values;
    std::istringstream lines(after_last(sample.document, start));
    const std::regex first("VAR ([A-Z]{5}) = ([0-9]{5})");
    const std::regex next("VAR ([A-Z]{5}) = VAR ([A-Z]{5}) ");
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (std::regex_match(line, match, first)) {
            values[match.str(1)] = match.str(2);
        } else if (std::regex_match(line, match, next)) {
            values[match.str(1)] = values.at(match.str(2));
        } else {
            EXPECT_EQ(line,
                      "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.");
        }
    }
    ASSERT_EQ(values.size(), 5U);
    EXPECT_EQ(sample.answers.size(), 5U);
    const std::string & value = values.begin()->second;
    for (const std::string & answer : sample.answers) {
        EXPECT_EQ(values.at(answer), value);
    }
    EXPECT_EQ(sample.question,
              "\nQuestion: Find all variables that are assigned the value " + value + " in the text above.");
    EXPECT_EQ(sample.answer_prefix,
              " Answer: According to the chain(s) of variable assignment in the text above, 5 "
              "variables are assigned the value " +
                  value + ", they are: ");
}

TEST(RulerTracing, TheExampleIsSolvedAndSmall) {
    const Sample sample = ruler_sample("vt", 4096);
    const std::size_t end = sample.document.rfind("Memorize and track");
    const std::string example = sample.document.substr(0, end);
    EXPECT_LE(count_pieces(example), 500U);
    EXPECT_GE(count_pieces(example), 450U);
    std::smatch match;
    const std::regex solved(
        "5 variables are assigned the value ([0-9]{5}), they are:  ([A-Z]{3}) [A-Z]{3} [A-Z]{3} [A-Z]{3} [A-Z]{3}\n\n");
    ASSERT_TRUE(std::regex_search(example, match, solved)) << example;
    EXPECT_EQ(occurrences(example, "VAR " + match.str(2) + " = " + match.str(1) + "\n"), 1U);
    EXPECT_EQ(occurrences(sample.question, match.str(1)), 0U);
}

TEST(RulerWords, TenWordsAreTenTimesAsCommon) {
    const Sample sample = ruler_sample("cwe", 8192);
    const std::string list = after_last(sample.document, "Memorize the ones that appear most often.\n");
    const auto words = frequencies(list);
    const auto times = times_each(words);
    EXPECT_THAT(times, ElementsAre(::testing::Pair(3, ::testing::Gt(100)), ::testing::Pair(30, 10)));
    EXPECT_EQ(sample.answers.size(), 10U);
    for (const std::string & answer : sample.answers) {
        EXPECT_EQ(words.at(answer), 30) << answer;
    }
    const int total = 300 + 3 * times.at(3);
    EXPECT_EQ(list.substr(0, 3), "1. ");
    EXPECT_EQ(occurrences(list, " " + std::to_string(total) + ". "), 1U);
    EXPECT_EQ(occurrences(list, " " + std::to_string(total + 1) + ". "), 0U);
    EXPECT_EQ(sample.question, "\nQuestion: What are the 10 most common words in the above list?");
    EXPECT_EQ(sample.answer_prefix, " Answer: The top 10 words that appear most often in the list are:");
}

TEST(RulerWords, TheExampleIsSolved) {
    const Sample sample = ruler_sample("cwe", 8192);
    const std::string start =
        "Below is a numbered list of words. In these words, some appear more often than others. Memorize the ones that "
        "appear most often.\n";
    ASSERT_EQ(sample.document.substr(0, start.size()), start);
    const std::size_t end = sample.document.find('\n', start.size());
    const auto words = frequencies(sample.document.substr(start.size(), end - start.size()));
    EXPECT_THAT(times_each(words), ElementsAre(::testing::Pair(3, 30), ::testing::Pair(10, 10)));
    const std::string solution = sample.document.substr(end, sample.document.find(start, end) - end);
    EXPECT_EQ(solution.back(), '\n');
    const std::string answers = after_last(solution, sample.question + sample.answer_prefix);
    EXPECT_THAT(answers, MatchesRegex(" 1\\. [a-z]+ 2\\. .* 10\\. [a-z]+\n"));
    for (const auto & [word, times] : frequencies(answers)) {
        EXPECT_EQ(words.at(word), 10) << word;
        EXPECT_EQ(times, 1);
    }
}

TEST(RulerWords, ShortLengthsHaveShorterLists) {
    const Sample sample = ruler_sample("cwe", 4095);
    const auto times = times_each(frequencies(after_last(sample.document, "appear most often.\n")));
    EXPECT_THAT(times, ElementsAre(::testing::Pair(1, ::testing::Gt(50)), ::testing::Pair(6, 10)));
}

TEST(RulerWords, LongListsTakePairsOfWords) {
    const Sample sample = ruler_sample("cwe", 40000);
    const auto words = frequencies(after_last(sample.document, "appear most often.\n"));
    EXPECT_GT(words.size(), 600U);  // more than there are plain ones
    for (const auto & [word, times] : words) {
        EXPECT_THAT(word, MatchesRegex("[a-z]+-[a-z]+"));
    }
}

// Frequencies by hand for ranks 1 to 5: a zeta distribution gives 1, 1/4, 1/9, 1/16, 1/25 of the first.
TEST(RulerWords, CodedWordsFollowAZetaDistribution) {
    for (const std::size_t length : {512U, 4096U, 20000U}) {
        const Sample sample = ruler_sample("fwe", length);
        const std::string start =
            "Read the following coded text and track the frequency of each coded word. Find the three most frequently "
            "appeared coded words. ";
        ASSERT_EQ(sample.document.substr(0, start.size()), start);
        const auto words = frequencies(sample.document.substr(start.size()));
        const double most = words.at("...");
        ASSERT_EQ(sample.answers.size(), 3U);
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_THAT(sample.answers[i], MatchesRegex("[a-z]+"));
            EXPECT_EQ(sample.answers[i].size(), 6U);
            const auto rank = static_cast<double>(i + 2);
            EXPECT_NEAR(words.at(sample.answers[i]), most / (rank * rank), 1);
        }
        for (const auto & [word, times] : words) {
            const bool answer = std::find(sample.answers.begin(), sample.answers.end(), word) != sample.answers.end();
            EXPECT_TRUE(answer || word == "..." || times < words.at(sample.answers[2])) << word;
        }
    }
    EXPECT_EQ(ruler_sample("fwe", 512).question,
              "\nQuestion: Do not provide any explanation. Please ignore the dots '....'. What are the three most "
              "frequently appeared words in the above coded text?");
    EXPECT_EQ(ruler_sample("fwe", 512).answer_prefix,
              " Answer: According to the coded text above, the three most frequently appeared words are:");
}

TEST(RulerQa, AsksAmongNumberedDocuments) {
    const std::vector<Sample> samples = ruler_samples(ruler_request("qa_1", 700, 4), ruler_inputs(), count_pieces);
    const std::string order =
        "Answer the question based on the given documents. Only give me the answer and do not output any other words.";
    for (std::size_t i = 0; i < samples.size(); ++i) {
        const std::string start = order + "\n\nThe following are given documents.\n\nDocument 1:\nParagraph ";
        EXPECT_EQ(samples[i].document.substr(0, start.size()), start);
        EXPECT_EQ(samples[i].question,
                  "\n\n" + order + "\n\nQuestion: Which word does paragraph " + std::to_string(i) + " hide?");
        EXPECT_EQ(samples[i].answer_prefix, " Answer:");
        EXPECT_THAT(samples[i].answers, ElementsAre("secret" + std::to_string(i), "the word"));
        EXPECT_EQ(occurrences(samples[i].document, "secret" + std::to_string(i) + " "), 1U);
        // The article's other paragraphs come before any others.
        const std::size_t first = i / 3 * 3;
        for (std::size_t of_article = first; of_article < first + 3; ++of_article) {
            EXPECT_EQ(occurrences(samples[i].document, "secret" + std::to_string(of_article) + " "), 1U);
        }
        const std::size_t documents = occurrences(samples[i].document, "\nDocument ");
        EXPECT_EQ(occurrences(samples[i].document, "\n\nDocument " + std::to_string(documents) + ":\n"), 1U);
        EXPECT_EQ(occurrences(samples[i].document, "hides the word"), documents);
    }
}

TEST(RulerQa, RepeatsOnlyParagraphsThatDoNotAnswer) {
    const Sample sample = ruler_sample("qa_2", 8000);
    EXPECT_GT(occurrences(sample.document, "hides the word"), 120U);
    EXPECT_EQ(occurrences(sample.document, "secret0 "), 1U);
    for (int i = 1; i < 60; ++i) {
        EXPECT_GE(occurrences(sample.document, "secret" + std::to_string(i) + " "), 2U);
    }
}

TEST(RulerQa, PassesOverQuestionsThatAreTooLong) {
    RulerInputs inputs = ruler_inputs();
    inputs.squad->paragraphs[1] += std::string(9000, 'x');
    for (QaData::Question & question : inputs.squad->questions) {
        question.related.clear();
    }
    inputs.squad->questions.resize(3);
    const auto samples = [&](std::size_t count) {
        return ruler_samples(ruler_request("qa_1", 2000, count), inputs, count_pieces);
    };
    EXPECT_THAT(samples(2).at(1).question, HasSubstr("paragraph 2 hide"));
    EXPECT_THAT(error_of(ErrorKind::Usage, [&] { (void)samples(3); }),
                AllOf(HasSubstr("only 2 questions of qa_1"), HasSubstr("; 3 are needed")));
}

TEST(RulerQa, SaysThatThereIsNothingElseToRead) {
    RulerInputs inputs = ruler_inputs();
    inputs.squad->paragraphs.resize(1);
    inputs.squad->questions.resize(1);
    inputs.squad->questions[0].related.clear();
    EXPECT_THAT(
        error_of(ErrorKind::Usage, [&] { (void)ruler_samples(ruler_request("qa_1", 700), inputs, count_pieces); }),
        AllOf(HasSubstr("qa_1"), HasSubstr("1 paragraphs in qa.json")));
}

}  // namespace
}  // namespace snapkv::eval

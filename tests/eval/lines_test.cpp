#include "eval/lines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "eval/word_counter.h"
#include "support/error_of.h"

namespace snapkv::eval {
namespace {

using snapkv::test::error_of;
using test::count_pieces;
using test::count_words;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Pair;

LinesTask task_of(std::size_t lines, std::size_t tokens, std::vector<double> depths = {0, 0.5, 1}) {
    LinesTask task;
    task.lines = lines;
    task.tokens = tokens;
    task.depths = std::move(depths);
    return task;
}

/// The record alone, line by line.
std::vector<std::string> record_of(const Sample & sample) {
    std::istringstream text(sample.document);
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) {
        lines.push_back(line);
    }
    EXPECT_GE(lines.size(), 2U);
    lines.erase(lines.begin(), lines.begin() + 2);
    return lines;
}

// The official prompt, word for word, as LongEval's own files have it.
TEST(Lines, AreAskedAsLongEvalAsks) {
    LinesTask task = task_of(1, 0, {0});
    const Sample sample = lines_samples(task, count_words).at(0);
    const std::string line = record_of(sample).at(0);
    const std::string key = line.substr(5, line.find(':') - 5);
    EXPECT_EQ(
        sample.document,
        "Below is a record of lines I want you to remember. Each line begins with 'line <line index>' and contains "
        "a '<REGISTER_CONTENT>' at the end of the line as a numerical value. For each line index, memorize its "
        "corresponding <REGISTER_CONTENT>. At the end of the record, I will ask you to retrieve the "
        "corresponding <REGISTER_CONTENT> of a certain line index. Now the record start:\n\nline " +
            key + ": REGISTER_CONTENT is <" + sample.answers.at(0) + ">\n");
    EXPECT_EQ(sample.question, "\nNow the record is over. Tell me what is the <REGISTER_CONTENT> in line " + key +
                                   "? I need the number. ");
    EXPECT_EQ(sample.answer_prefix, "");
    task.answer_prefix = true;
    EXPECT_EQ(lines_samples(task, count_words).at(0).answer_prefix, "line " + key + ": REGISTER_CONTENT is <");
}

TEST(Lines, HaveAKeyAndANumberOfTheirOwn) {
    const Sample sample = lines_samples(task_of(3000, 0), count_words).at(0);
    std::set<std::string> keys;
    std::set<std::string> numbers;
    for (const std::string & line : record_of(sample)) {
        ASSERT_THAT(line, MatchesRegex("line [a-z]+-[a-z]+: REGISTER_CONTENT is <[1-9][0-9][0-9][0-9][0-9]>"));
        keys.insert(line.substr(0, line.find(':')));
        numbers.insert(line.substr(line.find('<')));
    }
    EXPECT_EQ(keys.size(), 3000U);
    EXPECT_EQ(numbers.size(), 3000U);
}

TEST(Lines, QuestionsAtAllDepthsShareADocument) {
    const std::vector<Sample> samples = lines_samples(task_of(101, 0, {0, 0.25, 0.333, 1}), count_words);
    ASSERT_EQ(samples.size(), 4U);
    constexpr std::size_t expected[] = {0, 25, 33, 100};
    std::set<std::string> ids;
    for (std::size_t i = 0; i < samples.size(); ++i) {
        EXPECT_EQ(samples[i].document, samples[0].document);
        const std::string line = record_of(samples[i]).at(expected[i]);
        const std::string key = line.substr(0, line.find(':'));
        EXPECT_THAT(samples[i].question, HasSubstr(" in " + key + "? "));
        EXPECT_THAT(line, HasSubstr("<" + samples[i].answers.at(0) + ">"));
        ids.insert(samples[i].id);
    }
    EXPECT_EQ(ids.size(), 4U);
    EXPECT_THAT(samples[1].place, ElementsAre(Pair("lines", 101), Pair("depth", 0.25)));
}

TEST(Lines, FillTokensAndNoMore) {
    for (const auto & count : {count_words, count_pieces}) {
        for (const std::size_t tokens : {200U, 333U, 4096U, 30001U}) {
            LinesTask task = task_of(0, tokens);
            task.answer_prefix = true;
            const std::vector<Sample> samples = lines_samples(task, count);
            std::size_t longest = 0;
            for (const Sample & sample : samples) {
                longest = std::max(longest, count(test::whole(sample)));
            }
            EXPECT_LE(longest, tokens);
            EXPECT_GT(longest + 25, tokens);  // a line has at most 18 pieces, a longer key in a longer question 6 more
            EXPECT_THAT(
                samples.at(0).place,
                ElementsAre(Pair("length", tokens), Pair("lines", record_of(samples.at(0)).size()), Pair("depth", 0)));
        }
    }
}

TEST(Lines, SameSeedSameSamples) {
    LinesTask task = task_of(50, 0);
    const std::vector<Sample> first = lines_samples(task, count_words);
    EXPECT_EQ(lines_samples(task, count_words).at(2).document, first.at(2).document);
    task.seed = 2;
    EXPECT_NE(lines_samples(task, count_words).at(2).document, first.at(2).document);
    EXPECT_NE(lines_samples(task, count_words).at(2).id, first.at(2).id);
}

TEST(Lines, RefuseWhatCannotBe) {
    const auto refused = [](const LinesTask & task) {
        return error_of(ErrorKind::Usage, [&] { (void)lines_samples(task, count_words); });
    };
    EXPECT_THAT(refused(task_of(0, 0)), HasSubstr("found 0 lines and 0 tokens"));
    EXPECT_THAT(refused(task_of(5, 500)), HasSubstr("found 5 lines and 500 tokens"));
    EXPECT_THAT(refused(task_of(90001, 0)), AllOf(HasSubstr("90001"), HasSubstr("at most 90000")));
    // 64 words before the record, 5 in its line, 18 after it.
    EXPECT_THAT(refused(task_of(0, 40)), HasSubstr("40 tokens are too few: one line and its question take 87"));
    EXPECT_THAT(refused(task_of(0, 600'000)),
                HasSubstr("600000 tokens are too many: 90000 lines, the most there are, take "));
    EXPECT_THAT(refused(task_of(5, 0, {})), HasSubstr("found no depth"));
    EXPECT_THAT(refused(task_of(5, 0, {2})), HasSubstr("found the depth 2"));
    EXPECT_THAT(refused(task_of(5, 0, {0, 0})), HasSubstr("twice"));
}

}  // namespace
}  // namespace snapkv::eval

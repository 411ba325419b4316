#include "eval/needle.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <regex>
#include <set>

#include "eval/word_counter.h"
#include "support/error_of.h"

namespace snapkv::eval {
namespace {

using snapkv::test::error_of;
using test::count_pieces;
using test::count_words;
using test::occurrences;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

constexpr std::size_t sentence_words = 7;

/// Numbered sentences of 7 words, two lines to a paragraph.
Haystack numbered(int count = 200) {
    std::string text;
    for (int i = 0; i < count; ++i) {
        text += fmt::format("Sentence {} says nothing of any use.{}", i, i % 2 == 0 ? ' ' : '\n');
    }
    return {text, "hay.txt"};
}

NeedleTask task_of(std::vector<double> depths) {
    NeedleTask task;
    task.depths = std::move(depths);
    return task;
}

/// Words of haystack before the needle, divided by all.
double depth_of(const Sample & sample, const NeedleTask & task, const std::string & needle) {
    const std::size_t at = sample.document.find(needle);
    const std::size_t before = count_words(sample.document.substr(0, at)) - count_words(task.introduction);
    const std::size_t all = count_words(sample.document) - count_words(task.introduction) - count_words(needle);
    return static_cast<double>(before) / static_cast<double>(all);
}

TEST(Needle, IsPutOnceAtASentenceEndNearItsDepth) {
    const NeedleTask task = task_of({0, 0.1, 0.25, 0.333, 0.5, 0.77, 0.99});
    const std::string needle = task.needle.text;
    for (const std::size_t length : {100U, 523U, 4096U}) {
        for (const Sample & sample : needle_samples(task, numbered(), length, count_words)) {
            EXPECT_EQ(occurrences(sample.document, needle), 1U);
            const double wanted = sample.place.at(1).second;
            const double found = depth_of(sample, task, needle);
            const double sentence = sentence_words / (static_cast<double>(length) - 60);
            EXPECT_LE(found, wanted + sentence / 7) << sample.id;  // half a word of rounding
            EXPECT_GE(found, wanted - sentence) << sample.id;
            const std::size_t at = sample.document.find(needle);
            const bool first = at == task.introduction.size();
            EXPECT_TRUE(first || sample.document.substr(at - 3, 3) == "e. ") << sample.id;
            EXPECT_TRUE(!first || wanted * (static_cast<double>(length) - 50) < sentence_words) << sample.id;
        }
    }
}

TEST(Needle, EndsTheTextAtDepthOne) {
    const NeedleTask task = task_of({1});
    const Sample sample = needle_samples(task, numbered(), 300, count_words).at(0);
    EXPECT_EQ(sample.document.substr(sample.document.size() - task.needle.text.size()), task.needle.text);
}

TEST(Needle, LeavesTheHaystackAsItWas) {
    const NeedleTask task = task_of({0.4});
    Sample sample = needle_samples(task, numbered(), 900, count_words).at(0);
    const std::size_t at = sample.document.find(task.needle.text);
    sample.document.erase(at - 1, task.needle.text.size() + 1);  // with the space before it
    const std::string hay = sample.document.substr(task.introduction.size());
    EXPECT_EQ(hay, numbered(400).first(count_words(hay)));
}

TEST(Needle, FillsTheLengthAndNoMore) {
    for (const auto & count : {count_words, count_pieces}) {
        for (const std::size_t length : {160U, 161U, 999U, 1000U, 4097U, 20011U}) {
            for (const bool shared : {false, true}) {
                NeedleTask task = task_of({0, 0.5, 1});
                task.shared = shared;
                std::size_t longest = 0;
                for (const Sample & sample : needle_samples(task, numbered(), length, count)) {
                    longest = std::max(longest, count(test::whole(sample)));
                }
                EXPECT_LE(longest, length);
                EXPECT_GE(longest + 4, length);  // one word may be of several tokens
            }
        }
    }
}

TEST(Needle, CountsAnswerPrefixesToo) {
    NeedleTask task = task_of({0.5});
    task.answer_prefix = true;
    const Sample sample = needle_samples(task, numbered(), 200, count_words).at(0);
    EXPECT_EQ(sample.answer_prefix, "The finest way to spend an evening in Lisbon is to");
    EXPECT_THAT(sample.document, HasSubstr(sample.answer_prefix + " " + sample.answers.at(0)));
    EXPECT_LE(count_words(test::whole(sample)), 200U);
}

TEST(Needle, IsTokenisedFewTimes) {
    NeedleTask task = task_of({0, 0.2, 0.4, 0.6, 0.8, 1});
    std::size_t bytes = 0;
    const auto samples = needle_samples(task, numbered(), 50000, [&](std::string_view text) {
        bytes += text.size();
        return count_pieces(text);
    });
    EXPECT_LE(bytes, 4 * samples.size() * samples.at(0).document.size());
}

TEST(Needle, SamplesSayWhatTheyAre) {
    const NeedleTask task = task_of({0.25, 0.75});
    constexpr std::array<std::size_t, 2> lengths{300, 150};
    const std::vector<Sample> samples = needle_samples(task, numbered(), lengths, count_words);
    ASSERT_EQ(samples.size(), 4U);
    EXPECT_THAT(samples.at(1).place, ElementsAre(Pair("length", 300), Pair("depth", 0.75)));
    EXPECT_THAT(samples.at(2).place, ElementsAre(Pair("length", 150), Pair("depth", 0.25)));
    EXPECT_EQ(samples.at(2).question, "\n\n" + task.needle.question + task.instruction);
    EXPECT_THAT(samples.at(2).answers, ElementsAre(task.needle.answer));
    EXPECT_THAT(task.needle.text, HasSubstr(task.needle.answer));
    EXPECT_EQ(samples.at(2).max_tokens, task.max_tokens);
    std::set<std::string> ids;
    for (const Sample & sample : samples) {
        ids.insert(sample.id);
    }
    EXPECT_EQ(ids.size(), 4U);
}

TEST(Needle, SharedDocumentCarriesAllNeedles) {
    NeedleTask task = task_of({0.9, 0, 0.3, 0.6, 1});
    task.shared = true;
    task.answer_prefix = true;
    const std::vector<Sample> samples = needle_samples(task, numbered(), 2000, count_words);
    ASSERT_EQ(samples.size(), 5U);
    std::set<std::string> questions;
    std::vector<std::pair<double, std::size_t>> places;
    for (const Sample & sample : samples) {
        EXPECT_EQ(sample.document, samples.at(0).document);
        questions.insert(sample.question);
        EXPECT_EQ(occurrences(sample.document, sample.answers.at(0)), 1U);
        EXPECT_EQ(occurrences(sample.document, sample.answer_prefix + " " + sample.answers.at(0)), 1U);
        places.emplace_back(sample.place.at(1).second, sample.document.find(sample.answer_prefix));
        const double depth = static_cast<double>(count_words(sample.document.substr(0, places.back().second))) / 1960;
        EXPECT_NEAR(depth, places.back().first, 0.03) << sample.id;
    }
    EXPECT_EQ(questions.size(), 5U);
    std::sort(places.begin(), places.end());
    EXPECT_TRUE(std::is_sorted(places.begin(), places.end(),
                               [](const auto & a, const auto & b) { return a.second < b.second; }));
}

TEST(Needle, SharedQuestionsNameExactlyOneNeedle) {
    NeedleTask task;
    task.shared = true;
    task.answer_prefix = true;
    for (int i = 0; i < 120; ++i) {
        task.depths.push_back(i / 120.0);
    }
    std::set<std::string> questions;
    std::set<std::string> answers;
    std::map<std::string, int> cities;
    for (const Sample & sample : needle_samples(task, numbered(), 9000, count_words)) {
        std::smatch city;
        ASSERT_TRUE(std::regex_search(sample.question, city, std::regex(" ([A-Z][a-z]+)"))) << sample.question;
        ++cities[city.str(1)];
        EXPECT_EQ(cities.size(), std::min<std::size_t>(questions.size() + 1, 40));
        questions.insert(sample.question);
        answers.insert(sample.answers.at(0));
        EXPECT_EQ(occurrences(sample.document, sample.answer_prefix), 1U);
    }
    EXPECT_EQ(questions.size(), 120U);
    EXPECT_EQ(answers.size(), 120U);
    EXPECT_THAT(cities, Each(Pair(::testing::_, 3)));
    for (int i = 0; i < 361; ++i) {
        task.depths.push_back((i + 0.1234567) / 361);
    }
    EXPECT_THAT(error_of(ErrorKind::Usage, [&] { (void)needle_samples(task, numbered(), 9000, count_words); }),
                HasSubstr("found 481 depths, expected at most 480"));
}

TEST(Needle, SameSeedSameSamples) {
    NeedleTask task = task_of({0, 0.5});
    task.shared = true;
    const auto first = needle_samples(task, numbered(), 500, count_words);
    const auto again = needle_samples(task, numbered(), 500, count_words);
    EXPECT_EQ(first.at(1).document, again.at(1).document);
    EXPECT_EQ(first.at(1).question, again.at(1).question);
    task.seed = 2;
    EXPECT_NE(needle_samples(task, numbered(), 500, count_words).at(1).document, first.at(1).document);
}

TEST(Needle, WithoutAFullStopItGoesBetweenWords) {
    std::string words;
    for (int i = 0; i < 500; ++i) {
        words += fmt::format("w{} ", i);
    }
    const NeedleTask task = task_of({0.5});
    const Sample sample = needle_samples(task, Haystack(words, "hay.txt"), 400, count_words).at(0);
    EXPECT_NEAR(depth_of(sample, task, task.needle.text), 0.5, 0.01);
}

TEST(Needle, OneGiantWordIsCut) {
    const NeedleTask task = task_of({0.5});
    const auto count = [](std::string_view text) { return text.size() / 4; };
    const Sample sample = needle_samples(task, Haystack(std::string(100'000, 'x'), "hay.txt"), 5000, count).at(0);
    EXPECT_LE(count(test::whole(sample)), 5000U);
    EXPECT_GE(count(test::whole(sample)), 4990U);  // a word has 24 bytes here
    EXPECT_NEAR(static_cast<double>(sample.document.find(task.needle.text)) / 20000, 0.5, 0.01);
    const std::string message = error_of(ErrorKind::Input, [&] {
        (void)needle_samples(task, Haystack(std::string(100'000, 'x'), "hay.txt"), 5000, count_words);
    });
    EXPECT_THAT(message, HasSubstr("hay.txt"));
}

TEST(Needle, RefusesALengthThatTheNeedleFills) {
    const NeedleTask task = task_of({0.5});
    const std::size_t alone =
        count_words(task.introduction + task.needle.text + "\n" + task.needle.question + task.instruction);
    const auto at = [&](std::size_t length) { return needle_samples(task, numbered(), length, count_words); };
    EXPECT_EQ(count_words(test::whole(at(alone).at(0))), alone);
    EXPECT_THAT(error_of(ErrorKind::Usage, [&] { (void)at(alone - 1); }),
                AllOf(HasSubstr("length of " + std::to_string(alone - 1)),
                      HasSubstr("needle and question alone take " + std::to_string(alone))));
    EXPECT_THAT(error_of(ErrorKind::Usage, [&] { (void)at(0); }), HasSubstr("length of 0"));
}

TEST(Needle, RefusesDepthsAndLengthsThatAreNone) {
    const auto refused = [](std::vector<double> depths) {
        return error_of(ErrorKind::Usage,
                        [&] { (void)needle_samples(task_of(std::move(depths)), numbered(), 500, count_words); });
    };
    EXPECT_THAT(refused({}), HasSubstr("found no depth"));
    EXPECT_THAT(refused({0.5, 1.01}), HasSubstr("1.01"));
    EXPECT_THAT(refused({-0.1}), HasSubstr("-0.1"));
    EXPECT_THAT(refused({std::nan("")}), HasSubstr("nan"));
    EXPECT_THAT(refused({0.5, 0.1, 0.5}), HasSubstr("0.5 twice"));
    const auto refused_lengths = [](std::vector<std::size_t> lengths) {
        return error_of(ErrorKind::Usage,
                        [&] { (void)needle_samples(task_of({0.5}), numbered(), lengths, count_words); });
    };
    EXPECT_THAT(refused_lengths({}), HasSubstr("found no length"));
    EXPECT_THAT(refused_lengths({300, 200, 300}), HasSubstr("300 twice"));
}

TEST(Needle, RefusesNeedlesThatCannotBeFoundOrAreThereAlready) {
    NeedleTask task = task_of({0.5});
    task.needle.text = "Sentence 3 says nothing of any use.";
    EXPECT_THAT(error_of(ErrorKind::Input, [&] { (void)needle_samples(task, numbered(), 500, count_words); }),
                AllOf(HasSubstr("hay.txt"), HasSubstr("Sentence 3")));
    task.needle = {"A needle.", "Which?", ""};
    EXPECT_THAT(error_of(ErrorKind::Usage, [&] { (void)needle_samples(task, numbered(), 500, count_words); }),
                HasSubstr("answer \"\""));
    task.needle = {"A needle.", "Which?", "thread"};
    task.answer_prefix = true;
    EXPECT_THAT(error_of(ErrorKind::Usage, [&] { (void)needle_samples(task, numbered(), 500, count_words); }),
                AllOf(HasSubstr("thread"), HasSubstr("A needle.")));
}

}  // namespace
}  // namespace snapkv::eval

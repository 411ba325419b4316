#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "eval/ruler_inputs.h"

namespace snapkv::eval {
namespace {

using test::occurrences;
using test::ruler_inputs;
using test::ruler_request;
using test::ruler_sample;
using test::whole;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

const std::string uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
const std::string word = "[a-z]+-[a-z]+";
const std::string number = "[1-9][0-9]{6}";

struct Found {
    std::vector<std::string> keys;
    std::vector<std::string> values;
};

/// All needles of a text.
Found needles_of(const std::string & text, const std::string & kind) {
    const std::regex needle("One of the special magic " + kind + " for (\\S+) is: (\\S+)\\.");
    Found found;
    for (std::sregex_iterator at(text.begin(), text.end(), needle), end; at != end; ++at) {
        found.keys.push_back(at->str(1));
        found.values.push_back(at->str(2));
    }
    return found;
}

template <typename Value>
std::size_t different(const std::vector<Value> & list) {
    return std::set<Value>(list.begin(), list.end()).size();
}

bool all_match(const std::vector<std::string> & list, const std::string & pattern) {
    return std::all_of(list.begin(), list.end(),
                       [&](const std::string & each) { return std::regex_match(each, std::regex(pattern)); });
}

// The fixed text of an official sample, of the project's shared data, written out here.
TEST(RulerNiah, Multikey3HasRulersForm) {
    const Sample sample = ruler_sample("niah_multikey_3", 4096);
    const std::regex form(
        "A special magic uuid is hidden within the following text\\. Make sure to memorize it\\. I will quiz you about "
        "the uuid afterwards\\.\n"
        "((One of the special magic uuids for UUID is: UUID\\.\n)+)"
        "What is the special magic uuid for (UUID) mentioned in the provided text\\? The special magic uuid for UUID "
        "mentioned in the provided text is");
    std::string text = whole(sample);
    const Found needles = needles_of(text, "uuids");
    const std::size_t asked = text.rfind("What is the special magic uuid for ");
    const std::string key = text.substr(asked + 35, 36);
    EXPECT_EQ(occurrences(sample.answer_prefix, key), 1U);
    text = std::regex_replace(text, std::regex(uuid), "UUID");
    EXPECT_TRUE(std::regex_match(text, form)) << text;
    EXPECT_EQ(sample.question, "\nWhat is the special magic uuid for " + key + " mentioned in the provided text?");
    EXPECT_EQ(sample.answer_prefix, " The special magic uuid for " + key + " mentioned in the provided text is");

    EXPECT_TRUE(all_match(needles.keys, uuid) && all_match(needles.values, uuid));
    EXPECT_EQ(different(needles.keys), needles.keys.size());
    EXPECT_EQ(different(needles.values), needles.values.size());
    const auto place = std::find(needles.keys.begin(), needles.keys.end(), key);
    ASSERT_NE(place, needles.keys.end());
    EXPECT_THAT(sample.answers,
                ::testing::ElementsAre(needles.values[static_cast<std::size_t>(place - needles.keys.begin())]));
    EXPECT_GT(needles.keys.size(), 70U);
}

TEST(RulerNiah, Multikey2HidesItAmongNeedles) {
    const Sample sample = ruler_sample("niah_multikey_2", 4096);
    const Found needles = needles_of(sample.document, "numbers");
    EXPECT_GT(needles.keys.size(), 100U);
    EXPECT_EQ(different(needles.keys), needles.keys.size());
    EXPECT_EQ(different(needles.values), needles.values.size());
    EXPECT_TRUE(all_match(needles.keys, word) && all_match(needles.values, number));
    EXPECT_THAT(sample.document, HasSubstr(" is: " + sample.answers.at(0) + "."));
    EXPECT_EQ(occurrences(sample.document, "\n"), needles.keys.size());
}

TEST(RulerNiah, Single1HidesItInNoise) {
    const Sample sample = ruler_sample("niah_single_1", 4096);
    const Found needles = needles_of(sample.document, "numbers");
    ASSERT_EQ(needles.keys.size(), 1U);
    EXPECT_TRUE(all_match(needles.keys, word) && all_match(needles.values, number));
    EXPECT_EQ(sample.answers, needles.values);
    EXPECT_EQ(sample.question,
              "\nWhat is the special magic number for " + needles.keys[0] + " mentioned in the provided text?");
    const std::string noise =
        "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";
    std::string rest = sample.document;
    const std::string start =
        "A special magic number is hidden within the following text. Make sure to memorize it. I will quiz you about "
        "the number afterwards.";
    ASSERT_EQ(rest.substr(0, start.size()), start);
    rest.erase(0, start.size());
    const std::size_t lines = occurrences(rest, "\n");
    EXPECT_EQ(occurrences(rest, "\n" + noise), lines - 1);
    EXPECT_EQ(occurrences(rest, "\nOne of the special magic numbers for"), 1U);
}

TEST(RulerNiah, Single1StandsAnywhere) {
    std::vector<double> depths;
    for (const Sample & sample :
         ruler_samples(ruler_request("niah_single_1", 2048, 40), ruler_inputs(), test::count_words)) {
        depths.push_back(static_cast<double>(sample.document.find("One of the")) /
                         static_cast<double>(sample.document.size()));
    }
    EXPECT_LT(*std::min_element(depths.begin(), depths.end()), 0.2);
    EXPECT_GT(*std::max_element(depths.begin(), depths.end()), 0.8);
    EXPECT_GT(different(depths), 25U);
}

struct EssayTask {
    std::string name;
    std::string kind;
    std::size_t keys;
    std::size_t needles;
    std::size_t asked;
    std::size_t answers;
};

class RulerEssays : public ::testing::TestWithParam<EssayTask> {};

TEST_P(RulerEssays, HaveTheirNeedlesBetweenSentences) {
    const EssayTask & task = GetParam();
    for (const Sample & sample :
         ruler_samples(ruler_request(task.name, 4096, 10), ruler_inputs(), test::count_pieces)) {
        const Found needles = needles_of(sample.document, task.kind);
        EXPECT_EQ(needles.keys.size(), task.needles);
        EXPECT_EQ(different(needles.keys), task.keys);
        EXPECT_EQ(different(needles.values), task.needles);
        EXPECT_TRUE(all_match(needles.keys, word));
        EXPECT_TRUE(all_match(needles.values, task.kind == "uuids" ? uuid : number));
        EXPECT_EQ(sample.answers.size(), task.answers);
        std::size_t asked = 0;
        for (std::size_t i = 0; i < needles.keys.size(); ++i) {
            const bool named = occurrences(sample.question, " " + needles.keys[i]) > 0;
            asked += named ? 1 : 0;
            EXPECT_EQ(std::count(sample.answers.begin(), sample.answers.end(), needles.values[i]), named ? 1 : 0);
        }
        EXPECT_EQ(asked, task.answers);
        // What is left without the needles is the essay, single-spaced.
        const std::string text = sample.document.substr(sample.document.find('\n') + 1);
        const std::regex needle(" ?One of the special magic \\S+ for \\S+ is: \\S+\\.");
        std::string essay = std::regex_replace(text, needle, "");
        essay.erase(0, essay.find_first_not_of(' '));
        const Haystack single(single_spaced(ruler_inputs().essays->text()), "essays.txt");
        EXPECT_EQ(essay, single.first(test::count_words(essay)));
    }
}

INSTANTIATE_TEST_SUITE_P(All, RulerEssays,
                         ::testing::Values(EssayTask{"niah_single_2", "numbers", 1, 1, 1, 1},
                                           EssayTask{"niah_single_3", "uuids", 1, 1, 1, 1},
                                           EssayTask{"niah_multikey_1", "numbers", 4, 4, 1, 1},
                                           EssayTask{"niah_multivalue", "numbers", 1, 4, 1, 4},
                                           EssayTask{"niah_multiquery", "numbers", 4, 4, 4, 4}),
                         [](const auto & tested) { return tested.param.name; });

TEST(RulerNiah, SeveralAnswersAreAskedForInThePlural) {
    const Sample sample = ruler_sample("niah_multiquery", 2048);
    EXPECT_EQ(sample.document.substr(0, sample.document.find('\n')),
              "Some special magic numbers are hidden within the following text. Make sure to memorize it. I will quiz "
              "you about the numbers afterwards.");
    const std::regex question(
        "\nWhat are all the special magic numbers for (W, W, W, and W) mentioned in the provided text\\?");
    const std::string plain = std::regex_replace(sample.question, std::regex("[a-z]+-[a-z]+"), "W");
    EXPECT_TRUE(std::regex_match(plain, question)) << plain;
    const std::size_t from = sample.question.find(" for ");
    const std::string rest = sample.question.substr(from, sample.question.size() - 1 - from);
    EXPECT_EQ(sample.answer_prefix, " The special magic numbers" + rest + " are");

    const Sample values = ruler_sample("niah_multivalue", 2048);
    EXPECT_THAT(values.question, HasSubstr("What are all the special magic numbers for "));
    EXPECT_EQ(std::count(values.question.begin(), values.question.end(), ','), 0);
    EXPECT_THAT(values.answers, Each(MatchesRegex("[0-9]+")));
}

}  // namespace
}  // namespace snapkv::eval

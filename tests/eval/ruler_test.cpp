#include "eval/ruler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "eval/ruler_inputs.h"
#include "support/error_of.h"

namespace snapkv::eval {
namespace {

using snapkv::test::error_of;
using test::count_pieces;
using test::occurrences;
using test::ruler_inputs;
using test::ruler_request;
using test::whole;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

// The published settings: names, tokens to generate.
TEST(Ruler, HasThe13Tasks) {
    std::map<std::string_view, std::uint32_t> tasks;
    for (const RulerTask & task : ruler_tasks()) {
        tasks[task.name] = task.max_tokens;
    }
    const std::map<std::string_view, std::uint32_t> published{{"niah_single_1", 128},
                                                              {"niah_single_2", 128},
                                                              {"niah_single_3", 128},
                                                              {"niah_multikey_1", 128},
                                                              {"niah_multikey_2", 128},
                                                              {"niah_multikey_3", 128},
                                                              {"niah_multivalue", 128},
                                                              {"niah_multiquery", 128},
                                                              {"vt", 30},
                                                              {"cwe", 120},
                                                              {"fwe", 50},
                                                              {"qa_1", 32},
                                                              {"qa_2", 32}};
    EXPECT_EQ(tasks, published);
    EXPECT_EQ(ruler_tasks().size(), 13U);
}

class RulerTasks : public ::testing::TestWithParam<std::string> {
protected:
    [[nodiscard]] static std::vector<Sample> samples(const RulerRequest & request) {
        return ruler_samples(request, ruler_inputs(), count_pieces);
    }
};

TEST_P(RulerTasks, FillTheLengthAndNoMore) {
    for (const std::size_t length : {1500U, 1501U, 4096U, 9999U}) {
        RulerRequest request = ruler_request(GetParam(), length, 3);
        request.reserved = 17;
        for (const Sample & sample : samples(request)) {
            const std::size_t tokens = count_pieces(whole(sample)) + sample.max_tokens + 17;
            EXPECT_LE(tokens, length) << sample.id;
            // The largest step is one more word of cwe in 3 places, or of fwe, which rounds several frequencies.
            EXPECT_GE(tokens + 50, length) << sample.id;
            EXPECT_THAT(sample.place, ElementsAre(Pair("length", length)));
        }
    }
}

TEST_P(RulerTasks, AnswersStandInTheDocumentAndNotInTheQuestion) {
    for (const Sample & sample : samples(ruler_request(GetParam(), 4096, 5))) {
        EXPECT_FALSE(sample.answers.empty());
        EXPECT_EQ(sample.question.front(), '\n');
        EXPECT_EQ(sample.answer_prefix.front(), ' ');
        for (const std::string & answer : sample.answers) {
            EXPECT_GE(occurrences(sample.document, answer), 1U) << answer;
            EXPECT_EQ(occurrences(sample.question + sample.answer_prefix, answer), 0U) << answer;
        }
    }
}

TEST_P(RulerTasks, SamplesDependOnSeedAndNumberAlone) {
    const std::vector<Sample> five = samples(ruler_request(GetParam(), 2048, 5));
    const std::vector<Sample> again = samples(ruler_request(GetParam(), 2048, 5));
    std::set<std::string> ids;
    std::set<std::string> texts;
    for (std::size_t i = 0; i < five.size(); ++i) {
        EXPECT_EQ(whole(five[i]), whole(again[i]));
        ids.insert(five[i].id);
        texts.insert(whole(five[i]));
    }
    EXPECT_EQ(ids.size(), 5U);
    EXPECT_EQ(texts.size(), 5U);
    RulerRequest other = ruler_request(GetParam(), 2048, 1);
    EXPECT_EQ(whole(samples(other).at(0)), whole(five[0]));
    other.seed = 43;
    EXPECT_NE(whole(samples(other).at(0)), whole(five[0]));
}

TEST_P(RulerTasks, AreTokenizedFewTimes) {
    std::size_t bytes = 0;
    const std::vector<Sample> list =
        ruler_samples(ruler_request(GetParam(), 60000, 4), ruler_inputs(), [&](std::string_view text) {
            bytes += text.size();
            return count_pieces(text);
        });
    EXPECT_LE(bytes, 8 * list.size() * list.at(0).document.size());
}

TEST_P(RulerTasks, RefuseALengthThatIsTooShort) {
    for (const std::size_t length : {0U, 20U, 140U}) {
        const std::string message =
            error_of(ErrorKind::Usage, [&] { (void)samples(ruler_request(GetParam(), length)); });
        EXPECT_THAT(message, AllOf(HasSubstr(GetParam()), HasSubstr(std::to_string(length) + " tokens")));
    }
}

INSTANTIATE_TEST_SUITE_P(All, RulerTasks, ::testing::ValuesIn([] {
                             std::vector<std::string> names;
                             for (const RulerTask & task : ruler_tasks()) {
                                 names.emplace_back(task.name);
                             }
                             return names;
                         }()),
                         [](const auto & tested) { return tested.param; });

TEST(Ruler, SaysWhatTheLeastLengthIs) {
    const auto samples = [](std::size_t length) {
        return ruler_samples(ruler_request("niah_multikey_3", length), {}, count_pieces);
    };
    const std::string message = error_of(ErrorKind::Usage, [&] { (void)samples(200); });
    const std::size_t least = std::stoul(message.substr(message.find("at least ") + 9));
    EXPECT_EQ(count_pieces(whole(samples(least).at(0))) + 128, least);
    EXPECT_THAT(error_of(ErrorKind::Usage, [&] { (void)samples(least - 1); }), HasSubstr("at least"));
}

TEST(Ruler, SaysWhichOptionGivesWhatIsMissing) {
    const auto missing = [](const std::string & task) {
        return error_of(ErrorKind::Input, [&] { (void)ruler_samples(ruler_request(task, 4096), {}, count_pieces); });
    };
    for (const char * task :
         {"niah_single_2", "niah_single_3", "niah_multikey_1", "niah_multivalue", "niah_multiquery"}) {
        EXPECT_THAT(missing(task), AllOf(HasSubstr(task), HasSubstr("-f FILE")));
    }
    EXPECT_THAT(missing("qa_1"), AllOf(HasSubstr("qa_1"), HasSubstr("--squad FILE")));
    EXPECT_THAT(missing("qa_2"), AllOf(HasSubstr("qa_2"), HasSubstr("--hotpotqa FILE")));
}

TEST(Ruler, RefusesATaskThatThereIsNot) {
    EXPECT_THAT(error_of(ErrorKind::Usage, [&] { (void)ruler_samples(ruler_request("niah", 4096), {}, count_pieces); }),
                AllOf(HasSubstr("\"niah\""), HasSubstr("niah_single_1"), HasSubstr("qa_2")));
}

TEST(Ruler, RefusesALengthBeyondItsWords) {
    // A token a line, so that the keys end before the tokens do.
    const auto lines = [](std::string_view text) { return occurrences(text, "\n"); };
    EXPECT_THAT(
        error_of(ErrorKind::Usage, [&] { (void)ruler_samples(ruler_request("niah_multikey_2", 100'000), {}, lines); }),
        AllOf(HasSubstr("niah_multikey_2"), HasSubstr("100000 tokens are too many"), HasSubstr("different keys")));
}

}  // namespace
}  // namespace snapkv::eval

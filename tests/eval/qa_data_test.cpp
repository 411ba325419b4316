#include "eval/qa_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/folder.h"
#include "support/error_of.h"

namespace snapkv::eval {
namespace {

using snapkv::test::error_of;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const std::string squad = R"({"version": "v2.0", "data": [
  {"title": "Tea", "paragraphs": [
    {"context": "Tea is a drink.", "qas": [
      {"question": "What is tea?", "id": "1", "is_impossible": false,
       "answers": [{"text": "a drink", "answer_start": 7}, {"text": "drink"}, {"text": "a drink"}]},
      {"question": "Who is tea?", "is_impossible": true, "answers": []}]},
    {"context": "Green tea is green.", "qas": []},
    {"context": "Black tea is black.", "qas": [
      {"question": "Which colour has black tea?", "answers": [{"text": "black"}]}]}]},
  {"title": "Ink", "paragraphs": [
    {"context": "Ink is black.", "qas": [{"question": "What is black?", "answers": [{"text": "Ink"}]}]}]}]})";

const std::string hotpotqa = R"([
  {"question": "Are both teas?", "answer": "yes", "type": "comparison",
   "context": [["Green tea", ["It is green.", "", " It is tea."]], ["Black tea", ["It is black."]]]},
  {"question": "What is black?", "answer": "tea", "context": [["Black tea", ["It is black."]]]}])";

class QaFile : public ::testing::Test {
protected:
    template <typename Read>
    QaData read(const Read & reader, const std::string & bytes) {
        return reader(folder_.write("qa.json", bytes));
    }
    /// The message for a broken file, without the path in front.
    template <typename Read>
    std::string refused(const Read & reader, const std::string & bytes) {
        const std::string message = error_of(ErrorKind::Input, [&] { (void)read(reader, bytes); });
        const std::string path = folder_.file("qa.json");
        EXPECT_THAT(message, StartsWith(path + ": "));
        return message.substr(std::min(message.size(), path.size() + 2));
    }

private:
    cli::test::Folder folder_;
};

TEST_F(QaFile, SquadGivesParagraphsAndQuestions) {
    const QaData data = read(read_squad, squad);
    EXPECT_THAT(data.name, EndsWith("qa.json"));
    EXPECT_THAT(data.paragraphs,
                ElementsAre("Black tea is black.", "Green tea is green.", "Ink is black.", "Tea is a drink."));
    ASSERT_EQ(data.questions.size(), 3U);  // the impossible one is left out
    EXPECT_EQ(data.questions[0].text, "What is tea?");
    EXPECT_THAT(data.questions[0].answers, ElementsAre("a drink", "drink"));
    EXPECT_THAT(data.questions[0].context, ElementsAre(3));
    EXPECT_THAT(data.questions[0].related, ElementsAre(1, 0));
    EXPECT_THAT(data.questions[1].context, ElementsAre(0));
    EXPECT_THAT(data.questions[2].context, ElementsAre(2));
    EXPECT_THAT(data.questions[2].related, IsEmpty());
}

TEST_F(QaFile, HotpotQaGivesTitledParagraphs) {
    const QaData data = read(read_hotpotqa, hotpotqa);
    EXPECT_THAT(data.paragraphs, ElementsAre("Black tea\nIt is black.", "Green tea\nIt is green. It is tea."));
    ASSERT_EQ(data.questions.size(), 2U);
    EXPECT_THAT(data.questions[0].answers, ElementsAre("yes"));
    EXPECT_THAT(data.questions[0].context, ElementsAre(1, 0));
    EXPECT_THAT(data.questions[1].context, ElementsAre(0));
}

/// `text` with its first `from` replaced.
std::string with(std::string text, const std::string & from, const std::string & to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST_F(QaFile, BrokenSquadIsNamedWithItsPlace) {
    EXPECT_EQ(refused(read_squad, ""), "is empty, expected JSON");
    EXPECT_EQ(refused(read_squad, "\uFEFF"), "is empty, expected JSON");
    EXPECT_THAT(refused(read_squad, squad.substr(0, 300)), HasSubstr("not valid JSON"));
    EXPECT_THAT(refused(read_squad, with(squad, "a drink.", "a \xFF drink.")), HasSubstr("not valid JSON"));
    EXPECT_EQ(refused(read_squad, with(squad, "a drink.", "a \\ud83d drink.")).find("\\ud83d"), std::string::npos);
    EXPECT_THAT(refused(read_squad, with(squad, "a drink.", "a \\ud83d drink.")),
                HasSubstr("invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF"));
    EXPECT_EQ(refused(read_squad, "[1e999]"), "not valid JSON: a number is out of range");
    EXPECT_EQ(error_of(ErrorKind::Input, [] { (void)read_squad("/"); }), "/: cannot be read: Is a directory");
    EXPECT_EQ(refused(read_squad, "[]"), "top: found an empty array, expected an object");
    EXPECT_EQ(refused(read_squad, "{}"), "top: the field \"data\" is missing");
    EXPECT_EQ(refused(read_squad, R"({"data": 5})"), "top.data: found a number, expected a list");
    EXPECT_EQ(refused(read_squad, R"({"data": []})"), "found no question that has an answer, expected at least one");
    EXPECT_EQ(refused(read_squad, with(squad, "\"paragraphs\"", "\"p\"")),
              "top.data[0]: the field \"paragraphs\" is missing");
    EXPECT_EQ(refused(read_squad, with(squad, "\"Green tea is green.\"", "null")),
              "top.data[0].paragraphs[1].context: found null, expected a string");
    EXPECT_EQ(refused(read_squad, with(squad, "\"Green tea is green.\"", "\"\"")),
              "top.data[0].paragraphs[1].context: found an empty string, expected a non-empty string");
    EXPECT_EQ(refused(read_squad, with(squad, "false", "\"no\"")),
              "top.data[0].paragraphs[0].qas[0].is_impossible: found a string, expected true or false");
    EXPECT_EQ(refused(read_squad, with(squad, "[{\"text\": \"black\"}]", "[]")),
              "top.data[0].paragraphs[2].qas[0].answers: found an empty array, expected a list of at least one answer");
    EXPECT_EQ(refused(read_squad, with(squad, "{\"text\": \"drink\"}", "\"drink\"")),
              "top.data[0].paragraphs[0].qas[0].answers[1]: found a string, expected an object");
}

TEST_F(QaFile, BrokenHotpotQaIsNamedWithItsPlace) {
    EXPECT_EQ(refused(read_hotpotqa, squad), "top: found an object, expected a list");
    EXPECT_EQ(refused(read_hotpotqa, "[]"), "found no question that has an answer, expected at least one");
    EXPECT_EQ(refused(read_hotpotqa, with(hotpotqa, "\"answer\": \"yes\", ", "")),
              "top[0]: the field \"answer\" is missing");
    EXPECT_EQ(refused(read_hotpotqa, with(hotpotqa, R"(["Black tea", ["It is black."]])", R"(["Black tea"])")),
              "top[0].context[1]: found an array, expected a list of a title and a list of sentences");
    EXPECT_EQ(refused(read_hotpotqa, with(hotpotqa, R"("", " It)", R"(7, " It)")),
              "top[0].context[0][1][1]: found a number, expected a string");
    EXPECT_EQ(refused(read_hotpotqa, R"([{"question": "Q?", "answer": "A", "context": []}])"),
              "top[0].context: found an empty array, expected a list of at least one paragraph");
}

TEST_F(QaFile, AFileThatIsNotThereIsNamed) {
    EXPECT_THAT(error_of(ErrorKind::Input, [] { (void)read_squad("/no/such/squad.json"); }),
                AllOf(HasSubstr("/no/such/squad.json"), HasSubstr("cannot be opened")));
}

}  // namespace
}  // namespace snapkv::eval

#include "text/grammar.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "snapkv/error.h"
#include "support/error_of.h"
#include "vocabularies.h"

namespace snapkv::text {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string refusal(const std::string & grammar) {
    return test::error_of(ErrorKind::Input,
                          [&] { static_cast<void>(make_grammar(test::model_vocabulary(), grammar)); });
}

std::string schema_refusal(const std::string & schema) {
    return test::error_of(ErrorKind::Input,
                          [&] { static_cast<void>(grammar_of_schema(test::model_vocabulary(), schema)); });
}

TEST(Grammar, OfEveryKindOfExpressionIsRead) {
    EXPECT_NE(make_grammar(test::model_vocabulary(), R"(
# an answer
root  ::= greeting " " name [!.]? | list
greeting ::= "Hello" | "Hi"   # or so
name  ::= [A-Z] [a-z]{1,10}
list  ::= ("- " [^\n]+ "\n")*
)"),
              nullptr);
}

TEST(Grammar, ThatCannotBeUsedIsRefusedWithTheReason) {
    EXPECT_EQ(refusal("root ::= \"a"), "the grammar cannot be used: unexpected end of input");
    EXPECT_EQ(refusal(""), "the grammar cannot be used: it has no rule root");
    EXPECT_EQ(refusal("x ::= \"a\""), "the grammar cannot be used: it has no rule root");
    EXPECT_EQ(refusal("root ::= y"), "the grammar cannot be used: the rule y is not defined");
    EXPECT_THAT(refusal("root ::= root \"a\" | \"b\""), HasSubstr("left recursion"));
    EXPECT_THAT(refusal("root ::= [a-"), StartsWith("the grammar cannot be used: "));
    EXPECT_THAT(refusal("root ::= \"a\"{9999}"), HasSubstr("repetitions"));
    EXPECT_THAT(refusal("root = \"a\"" + std::string(5000, 'x')), HasSubstr("expecting ::= at = \"a\"xxx"));
    EXPECT_LT(refusal("root = \"a\"" + std::string(5000, 'x')).size(), 200U);
    EXPECT_EQ(refusal(std::string("root ::= \"a\"\0", 13)), "the grammar cannot be used: it contains a zero byte");
    EXPECT_THAT(refusal(std::string(200'000, ' ')), HasSubstr("200000 bytes long"));
}

/// What libllama would take, and then never come back from.
TEST(Grammar, ThatBeginsWithItselfOrInTooManyWaysIsRefused) {
    EXPECT_THAT(refusal("root ::= \"q\" x\nx ::= b x \"z\" | \"y\"\nb ::= \"c\"?"), HasSubstr("left recursion"));
    EXPECT_THAT(refusal("root ::= a\na ::= b\nb ::= a \"x\" | \"y\""), HasSubstr("left recursion"));
    std::string ways = "root ::= \"q\" r0\n";
    for (int rule = 0; rule < 24; ++rule) {
        ways += fmt::format("r{0} ::= r{1} \"a\" | r{1} \"b\"\n", rule, rule + 1);
    }
    EXPECT_EQ(refusal(ways + "r24 ::= \"x\""), "the grammar cannot be used: its rules can begin in too many ways");
    EXPECT_NE(make_grammar(test::model_vocabulary(), "root ::= \"a\" root | b\nb ::= \"(\" root \")\" | \"\""),
              nullptr);
}

TEST(Grammar, MayNestAsDeepAsItsText) {
    constexpr std::size_t depth = 60'000;
    EXPECT_THAT(refusal("root ::= " + std::string(depth, '(')), StartsWith("the grammar cannot be used: "));
    try {
        static_cast<void>(make_grammar(test::model_vocabulary(),
                                       "root ::= " + std::string(depth, '(') + "\"a\"" + std::string(depth, ')')));
    } catch (const Error & error) {
        EXPECT_THAT(error.what(), StartsWith("the grammar cannot be used: "));
    }
}

TEST(Schema, BecomesAGrammarThatCanBeUsed) {
    const std::string grammar = grammar_of_schema(test::model_vocabulary(), R"({
        "type": "object", "required": ["name", "age"],
        "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0},
                       "tags": {"type": "array", "items": {"enum": ["a", "b"]}}}})");
    EXPECT_THAT(grammar, HasSubstr("root ::="));
    EXPECT_NE(make_grammar(test::model_vocabulary(), grammar), nullptr);
    EXPECT_NE(make_grammar(test::model_vocabulary(), grammar_of_schema(test::model_vocabulary(), "{}")), nullptr);
}

TEST(Schema, ThatCannotBeUsedIsRefusedWithTheReason) {
    EXPECT_THAT(schema_refusal("{"), StartsWith("the JSON schema cannot be used: "));
    EXPECT_THAT(schema_refusal(R"({"type": 3})"), HasSubstr("type must be a string"));
    EXPECT_THAT(schema_refusal(R"({"$ref": "#/nowhere"})"), StartsWith("the JSON schema cannot be used: "));
    EXPECT_THAT(schema_refusal(R"({"type": "string", "pattern": "^(?=a)b$"})"), HasSubstr("is not supported"));
    std::string names;
    for (unsigned name = 0; name < 9000; ++name) {
        names += fmt::format("{}\"{:08x}\"", name == 0 ? "" : ",", name * 2654435761U);
    }
    EXPECT_THAT(schema_refusal("{\"enum\": [" + names + "]}"), HasSubstr("it becomes a grammar of"));
    EXPECT_THAT(schema_refusal(std::string(100'000, '[')), StartsWith("the JSON schema cannot be used: "));
}

}  // namespace
}  // namespace snapkv::text

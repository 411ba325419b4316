// What standard input is to `snapkv run`: a document that is named, one that is not, or nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "shell.h"
#include "support/sanitizers.h"

namespace snapkv::cli::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

/// Runs "snapkv run -m MODEL --raw -n 1 --json" with further arguments and redirections.
Outcome run(const Folder & folder, const std::string & before, const std::string & rest) {
    return run_shell(folder, before + "\"$snapkv\" run -m \"$model\" --raw -n 1 --json " + rest);
}

int prompt_tokens(const Outcome & outcome) {
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.status == 0 ? Json::parse(outcome.out)["prompt_tokens"].get<int>() : 0;
}

TEST(StandardInput, IsTheDocumentThatNobodyNamed) {
    const Folder folder;
    const int expected = prompt_tokens(run(folder, "", "-p 'The sky is blue.' -q ' Why?'"));
    const Outcome piped = run(folder, "printf 'The sky is blue.' | ", "-q ' Why?'");
    EXPECT_EQ(prompt_tokens(piped), expected);
    EXPECT_THAT(piped.err, HasSubstr("snapkv: read the document from standard input (16 B)\n"));
    const std::string text = folder.write("text", "The sky is blue.");
    EXPECT_EQ(prompt_tokens(run(folder, "", "-q ' Why?' <'" + text + "'")), expected);
    const Outcome late = run(folder, "(sleep 2; printf 'The sky is blue.') | ", "-q ' Why?'");
    EXPECT_EQ(prompt_tokens(late), expected);
    EXPECT_THAT(late.err, HasSubstr("snapkv: waiting for the document on standard input\n"));
}

TEST(StandardInput, CanBeNamedAmongFiles) {
    const Folder folder;
    const std::string files =
        "-f '" + folder.write("one", "The sky") + "' -f - -f '" + folder.write("two", "blue.") + "'";
    const int expected = prompt_tokens(run(folder, "", "-p 'The sky is blue.'"));
    const Outcome named = run(folder, "printf ' is ' | ", files);
    EXPECT_EQ(prompt_tokens(named), expected);
    EXPECT_THAT(named.err, Not(HasSubstr("standard input")));
    const Outcome empty = run(folder, "", "-f - -q ' Why?' </dev/null");
    EXPECT_EQ(empty.status, 1);
    EXPECT_EQ(empty.err, "snapkv: error: standard input: is empty, expected text\n");
}

TEST(StandardInput, ThatIsEmptyIsAnErrorWhereSomebodyFedIt) {
    const Folder folder;
    const std::string empty = folder.write("empty", "");
    const std::vector<std::pair<std::string, std::string>> cases{{"printf '' | ", ""}, {"", " <'" + empty + "'"}};
    for (const auto & [before, after] : cases) {
        const Outcome outcome = run(folder, before, "-q ' Why?'" + after);
        EXPECT_EQ(outcome.status, 1);
        EXPECT_EQ(
            outcome.err,
            "snapkv: error: standard input: is empty, expected text (to ask without a document, add </dev/null)\n");
    }
}

TEST(StandardInput, IsAllThatPerplexityHasBesideFiles) {
    const Outcome outcome = run_shell(Folder(), "\"$snapkv\" perplexity -m \"$model\" </dev/null");
    EXPECT_EQ(outcome.status, 2);
    EXPECT_THAT(outcome.err, HasSubstr("no document: give -f FILE, or pipe it to standard input\n"));
}

TEST(StandardInput, ThatNeverEndsIsRefused) {
    const Folder folder;
    for (const char * zeros : {"-f /dev/zero", "-f - </dev/zero"}) {
        const Outcome outcome = run(folder, "", zeros);
        EXPECT_EQ(outcome.status, 1);
        EXPECT_THAT(outcome.err, HasSubstr(": a device that gives NUL bytes, not text\n"));
    }
    if (snapkv::test::kSanitized) {
        GTEST_SKIP() << "a sanitizer maps terabytes";
    }
    const Outcome outcome = run(folder, "ulimit -v 1000000; yes | ", "");
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.err, ::testing::ContainsRegex("error: standard input: more than [0-9]+ MiB; there is too "
                                                      "little memory to read on\n"));
}

TEST(StandardInput, ThatNobodyFedIsNoDocument) {
    const Folder folder;
    const int expected = prompt_tokens(run(folder, "", "-p ' Why?'"));
    for (const char * nothing : {"</dev/null", "<&-"}) {
        EXPECT_EQ(prompt_tokens(run(folder, "", std::string("-q ' Why?' ") + nothing)), expected) << nothing;
        const Outcome outcome = run(folder, "", nothing);
        EXPECT_EQ(outcome.status, 2);
        EXPECT_THAT(outcome.err, HasSubstr("no document: give -f FILE or -p TEXT, or pipe it to standard input\n"));
    }
}

}  // namespace
}  // namespace snapkv::cli::test

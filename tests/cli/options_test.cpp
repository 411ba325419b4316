#include "options.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "completion.h"
#include "docs.h"
#include "field_names.h"
#include "folder.h"
#include "help.h"
#include "numbers.h"

namespace snapkv::cli {
namespace {

const std::filesystem::path root = std::filesystem::path(SNAPKV_TEST_DATA).parent_path().parent_path();

TEST(Options, NamesAreUniqueWithinACommand) {
    for (const CommandInfo & info : commands()) {
        std::set<std::string> seen;
        for (const Option & option : options()) {
            if (option.serves(info.command)) {
                for (const std::string & name : option.names) {
                    EXPECT_TRUE(seen.insert(name).second) << info.name << " " << name;
                }
            }
        }
    }
}

TEST(Options, EveryRowIsComplete) {
    for (const Option & option : options()) {
        EXPECT_FALSE(option.help.empty()) << option.long_name();
        EXPECT_NE(option.read, nullptr) << option.long_name();
        EXPECT_NE(option.commands, 0U) << option.long_name();
    }
}

TEST(Options, EveryDefaultIsAValueThatTheOptionTakes) {
    for (const CommandInfo & info : commands()) {
        for (const Option & option : options()) {
            if (!option.serves(info.command) || option.show == nullptr) {
                continue;
            }
            Settings settings = default_settings(info.command);
            const std::string value = default_text(option, info.command);
            if (value.empty()) {
                continue;  // it has no default
            }
            ASSERT_NO_THROW(option.read(settings, option.long_name(), value)) << option.long_name();
            EXPECT_EQ(option.show(settings), value) << option.long_name();
        }
    }
}

TEST(Options, EveryWordIsTaken) {
    for (const Option & option : options()) {
        for (const std::string & word : option.words) {
            Settings settings;
            ASSERT_NO_THROW(option.read(settings, option.long_name(), word)) << option.long_name() << " " << word;
            if (option.show != nullptr) {
                EXPECT_EQ(option.show(settings), word);
            }
        }
    }
}

TEST(Options, HelpAndCompletionNameEveryOption) {
    const std::string bash = completion_script(Shell::Bash);
    const std::string zsh = completion_script(Shell::Zsh);
    const std::string fish = completion_script(Shell::Fish);
    for (const Option & option : options()) {
        if (option.positional()) {
            continue;
        }
        for (const CommandInfo & info : commands()) {
            if (option.serves(info.command)) {
                EXPECT_NE(help_text(info.command).find(spelling(option)), std::string::npos) << spelling(option);
            }
        }
        EXPECT_NE(bash.find(option.long_name()), std::string::npos);
        EXPECT_NE(zsh.find(option.long_name()), std::string::npos);
        EXPECT_NE(fish.find("-l " + option.long_name().substr(2)), std::string::npos);
    }
}

TEST(Options, ConfigurationNamesWhatIsInForce) {
    Settings settings = default_settings(Command::Run);
    settings.cache.budget = {Budget::Unit::Percent, 12.5};
    const std::string text = configuration(settings);
    EXPECT_NE(text.find("--kv-budget 12.5%"), std::string::npos) << text;
    for (const char * budget : {"1024", "12.5%", "mass:95%:4096", "mass:99.5%:64"}) {
        EXPECT_EQ(budget_text(read_budget("--kv-budget", budget)), budget);
    }
    EXPECT_EQ(budget_text(read_budget("--kv-budget", "mass:90%")), "mass:90%:4096");
    EXPECT_NE(text.find("--kv-window auto"), std::string::npos) << text;
    EXPECT_EQ(text.find("--html"), std::string::npos) << text;
}

TEST(GeneratedFiles, AreWhatTheProgramPrintsNow) {
    EXPECT_EQ(test::contents(root / "docs" / "cli.md"), reference()) << "run scripts/generate-docs";
    EXPECT_EQ(test::contents(root / "completions" / "snapkv.bash"), completion_script(Shell::Bash));
    EXPECT_EQ(test::contents(root / "completions" / "_snapkv"), completion_script(Shell::Zsh));
    EXPECT_EQ(test::contents(root / "completions" / "snapkv.fish"), completion_script(Shell::Fish));
}

TEST(FieldNames, AreFlagsOfTheTable) {
    for (const FieldName & name : field_names()) {
        EXPECT_TRUE(std::any_of(options().begin(), options().end(), [&](const Option & option) {
            return std::find(option.names.begin(), option.names.end(), name.flag) != option.names.end();
        })) << name.flag;
        const std::string message = fmt::format("{} is 0; expected more than {}", name.field, name.field);
        EXPECT_EQ(message_of(Error(ErrorKind::Usage, message, name.field)),
                  fmt::format("{} is 0; expected more than {}", name.flag, name.flag));
        EXPECT_EQ(message_of(Error(ErrorKind::Input, message)), message) << "a text from outside";
    }
}

}  // namespace
}  // namespace snapkv::cli

#include "command_line.h"

#include <gtest/gtest.h>

#include "options.h"
#include "snapkv/error.h"

namespace snapkv::cli {
namespace {

std::string usage_message(const std::vector<std::string> & arguments) {
    try {
        (void)parse_command_line(arguments);
    } catch (const Error & error) {
        EXPECT_EQ(error.kind(), ErrorKind::Usage);
        return error.what();
    }
    return "no error";
}

TEST(CommandLine, TakesSeveralQuestionsWhereTheyAreAsked) {
    for (const char * command : {"run", "observe"}) {
        EXPECT_EQ(parse_command_line({command, "-q", "one", "-q", "two"}).questions.size(), 2U) << command;
    }
    for (const char * command : {"show", "eval"}) {
        EXPECT_EQ(usage_message({command, "-q", "one", "-q", "two"}), "--question is given 2 times, expected once")
            << command;
    }
}

TEST(CommandLine, TakesEveryKindOfOption) {
    const Settings s = parse_command_line({"run",
                                           "-m",
                                           "model",
                                           "-f",
                                           "a",
                                           "-f",
                                           "b",
                                           "-q",
                                           "one",
                                           "--question",
                                           "two",
                                           "-n",
                                           "-1",
                                           "-c4096",
                                           "-tb",
                                           "3",
                                           "-s",
                                           "7",
                                           "--kv-budget=20%",
                                           "--kv-window",
                                           "16",
                                           "--kv-pool",
                                           "avg",
                                           "--json",
                                           "--stop",
                                           "x",
                                           "--stop",
                                           "y"});
    EXPECT_EQ(s.command, Command::Run);
    EXPECT_EQ(s.model, "model");
    EXPECT_EQ(s.files, (std::vector<std::filesystem::path>{"a", "b"}));
    EXPECT_EQ(s.questions, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(s.predict, -1);
    EXPECT_EQ(s.context, 4096U);
    EXPECT_EQ(s.threads_batch, 3U);
    EXPECT_EQ(s.threads, 0U);
    EXPECT_EQ(s.sampling.seed, 7U);
    EXPECT_EQ(s.cache.budget.unit, Budget::Unit::Percent);
    EXPECT_EQ(s.cache.budget.value, 20);
    EXPECT_EQ(s.cache.window, 16U);
    EXPECT_EQ(s.cache.cluster, Cluster::kernel(7, Pooling::Avg));
    EXPECT_TRUE(s.json);
    EXPECT_EQ(s.stop, (std::vector<std::string>{"x", "y"}));
    EXPECT_TRUE(s.has("--kv-pool"));
    EXPECT_FALSE(s.has("--kv-sink"));
}

TEST(CommandLine, TakesValuesThatLookLikeSomethingElse) {
    const Settings s = parse_command_line({"run", "-p", "-tb", "-q", "--json", "--stop", "[a,b]", "--stop", "{}"});
    EXPECT_EQ(s.prompt, "-tb");
    EXPECT_EQ(s.questions, std::vector<std::string>{"--json"});
    EXPECT_EQ(s.stop, (std::vector<std::string>{"[a,b]", "{}"}));
    EXPECT_FALSE(s.json);
}

TEST(CommandLine, DefaultsAreThoseOfTheCommand) {
    EXPECT_EQ(parse_command_line({"run"}).context, 0U);
    EXPECT_EQ(parse_command_line({"perplexity"}).context, 512U);
    EXPECT_EQ(parse_command_line({"inspect", "model"}).model, "model");
    EXPECT_TRUE(parse_command_line({"--version"}).version);
    EXPECT_EQ(parse_command_line({}).command, Command::None);
}

TEST(CommandLine, TakesClusters) {
    const auto cluster = [](const std::string & text) {
        return parse_command_line({"run", "--kv-cluster", text}).cache.cluster;
    };
    EXPECT_EQ(cluster("kernel:3,27"), (Cluster{.back = 3, .ahead = 27}));
    EXPECT_EQ(cluster("avg:0,2"), (Cluster{.pooling = Pooling::Avg, .back = 0, .ahead = 2}));
    EXPECT_EQ(cluster("none"), Cluster::kernel(1, Pooling::None));
    EXPECT_EQ(cluster("reach:1,4+words+stops"),
              (Cluster{.rule = Cluster::Rule::Reach, .back = 1, .ahead = 4, .words = true, .stops = true}));
    EXPECT_EQ(cluster("chunk:20+words"),
              (Cluster{.rule = Cluster::Rule::Chunk, .pooling = Pooling::Avg, .back = 0, .ahead = 19, .words = true}));
    EXPECT_EQ(cluster("auto"), std::nullopt);
    EXPECT_EQ(parse_command_line({"run", "--kv-kernel", "31", "--kv-pool", "avg"}).cache.cluster,
              Cluster::kernel(31, Pooling::Avg));
    EXPECT_EQ(parse_command_line({"run", "--kv-pool", "avg", "--kv-kernel", "31"}).cache.cluster,
              Cluster::kernel(31, Pooling::Avg));
    const Settings eval = parse_command_line(
        {"eval", "fidelity", "--kv-cluster", "kernel:3,3,none,auto,reach:1,4+words", "--kv-recent", "auto,32"});
    EXPECT_EQ(eval.eval.caches.clusters,
              (std::vector<std::optional<Cluster>>{
                  Cluster::kernel(7), Cluster::kernel(1, Pooling::None), std::nullopt,
                  Cluster{.rule = Cluster::Rule::Reach, .back = 1, .ahead = 4, .words = true}}));
    EXPECT_EQ(eval.eval.caches.recents, (std::vector<std::optional<std::uint32_t>>{std::nullopt, 32}));
    for (const std::string text :
         {"kernel", "kernel:3", "kernel:3,", "kernel:,3", "kernel:3,4,5", "kernel:-1,3", "kernel:3,4+",
          "kernel:3,4+lines", "kernel:3,4+stops", "none:1,2", "reach:1.5,4", "reach:1,99999999", "+words", "median:1,2",
          "chunk", "chunk:", "chunk:0", "chunk:3,4", "chunk:20+stops"}) {
        EXPECT_NE(usage_message({"run", "--kv-cluster", text}).find("--kv-cluster"), std::string::npos) << text;
        EXPECT_NE(usage_message({"eval", "needle", "--kv-cluster", text}).find("--kv-cluster"), std::string::npos)
            << text;
    }
    for (const std::string text : {"none,", "3,3", "kernel:3,3,,none"}) {
        EXPECT_NE(usage_message({"eval", "needle", "--kv-cluster", text}).find("--kv-cluster"), std::string::npos)
            << text;
    }
}

TEST(CommandLine, RotatesQuantisedRowsUnlessToldOtherwise) {
    EXPECT_TRUE(parse_command_line({"run"}).cache.rotate);
    EXPECT_TRUE(parse_command_line({"run", "--kv-rotate", "on"}).cache.rotate);
    EXPECT_FALSE(parse_command_line({"run", "--kv-rotate", "off"}).cache.rotate);
    EXPECT_EQ(parse_command_line({"eval", "fidelity", "--kv-rotate", "off,on"}).eval.caches.rotations,
              (std::vector<bool>{false, true}));
}

TEST(CommandLine, SaysWhatIsWrongInOneLine) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
        {{"run", "--nonsense"}, "--nonsense"},
        {{"nonsense"}, "nonsense"},
        {{"run", "-n"}, "--n-predict: the value is missing"},
        {{"run", "-n", "many"}, "--n-predict: found \"many\""},
        {{"run", "-n", "-2"}, "from -1"},
        {{"run", "-n", "1", "-n", "2"}, "--n-predict is given 2 times"},
        {{"run", "--kv-kernel", "4"}, "odd"},
        {{"run", "--kv-policy", "best"}, "full, snapkv, auto, streaming"},
        {{"run", "--kv-budget", "0"}, "--kv-budget"},
        {{"run", "--kv-budget", "101%"}, "--kv-budget"},
        {{"run", "--kv-window", "0"}, "--kv-window"},
        {{"run", "--kv-recent", "0"}, "--kv-recent"},
        {{"run", "--kv-evidence", "best"}, "auto, mean, rms, top4, max, max-floor, recency, accumulated"},
        {{"eval", "needle", "--kv-kernel", "7,8"}, "odd"},
        {{"run", "--kv-rotate", "yes"}, "--kv-rotate: \"yes\" is not one of on, off"},
        {{"eval", "fidelity", "--kv-rotate", "on,"}, "--kv-rotate"},
        {{"run", "--temp", "nan"}, "--temp"},
        {{"run", "--top-p", "1.5"}, "from 0 to 1"},
        {{"run", "--rope-scaling", "longrope"}, "none, linear, yarn"},
        {{"run", "-b", "0"}, "--batch-size"},
        {{"run", "-q", ""}, "--question: the value is empty"},
        {{"run", "--save-kv=", "--raw"}, "--save-kv: the value is empty"},
        {{"run", "--prompt=", "--json"}, "--prompt: the value is empty"},
        {{"run", "-q=", "-n", "1"}, "--question: the value is empty"},
        {{"run", "--json=yes"}, "--json takes no value"},
        {{"show", "--json"}, "--json"},
        {{"completion", "tcsh"}, "bash, zsh, fish"},
    };
    for (const auto & [arguments, part] : cases) {
        const std::string message = usage_message(arguments);
        EXPECT_NE(message.find(part), std::string::npos) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    }
}

TEST(CommandLine, TextsAreUtf8AndFileNamesAnything) {
    EXPECT_EQ(usage_message({"run", "-m", "model", "-q", "good", "-q", "caf\xE9"}),
              "--question: invalid UTF-8: byte 0xE9 at offset 3");
    EXPECT_EQ(parse_command_line({"run", "-m", "model", "-f", "caf\xE9"}).files.front(), "caf\xE9");
}

/// A value that the option takes.
std::string some_value(const Option & option, Command command) {
    for (const std::string & value : {std::string("5"), std::string("0.5"), std::string("text")}) {
        Settings settings = default_settings(command);
        try {
            option.read(settings, option.long_name(), value);
            return value;
        } catch (const Error &) {
            continue;  // the next may do
        }
    }
    return option.words.empty() ? default_text(option, command) : option.words.back();
}

/// Calls check(command's name, command, option, name) for every name of every option that takes a value.
template <typename Check>
void for_each_valued_name(const Check & check) {
    for (const CommandInfo & info : commands()) {
        for (const Option & option : options()) {
            if (!option.serves(info.command) || !option.takes_value() || option.positional()) {
                continue;
            }
            for (const std::string & name : option.names) {
                check(info, option, name);
            }
        }
    }
}

TEST(CommandLine, RefusesEveryEmptyValue) {
    for_each_valued_name([](const CommandInfo & info, const Option & option, const std::string & name) {
        const std::string expected = option.long_name() + ": the value is empty";
        EXPECT_EQ(usage_message({info.name, name + "="}), expected) << info.name;
        EXPECT_EQ(usage_message({info.name, name + "=", "--help"}), expected) << info.name;
        EXPECT_EQ(usage_message({info.name, name, ""}), expected) << info.name;
    });
}

TEST(CommandLine, TakesEveryValueApartAndBehindAnEqualsSign) {
    for_each_valued_name([](const CommandInfo & info, const Option & option, const std::string & name) {
        const std::string value = some_value(option, info.command);
        const Settings apart = parse_command_line({info.name, name, value, "--help"});
        const Settings joined = parse_command_line({info.name, name + "=" + value, "--help"});
        EXPECT_EQ(joined.given, (std::set<std::string, std::less<>>{option.long_name(), "--help"})) << name;
        EXPECT_EQ(apart.given, joined.given) << name;
        EXPECT_EQ(configuration(apart), configuration(joined)) << name;
        if (option.show != nullptr) {
            EXPECT_EQ(option.show(joined), value) << name;
        }
    });
    EXPECT_EQ(parse_command_line({"run", "-q=hello"}).questions, std::vector<std::string>{"hello"});
    EXPECT_EQ(parse_command_line({"run", "-q==hello"}).questions, std::vector<std::string>{"=hello"});
    EXPECT_EQ(parse_command_line({"run", "--stop=[a,b]"}).stop, std::vector<std::string>{"[a,b]"});
    EXPECT_EQ(parse_command_line({"run", "-p=--json"}).prompt, "--json");
    EXPECT_EQ(parse_command_line({"run", "-tb=4"}).threads_batch, 4U);
}

}  // namespace
}  // namespace snapkv::cli

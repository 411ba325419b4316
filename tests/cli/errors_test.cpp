// Every wrong use and every bad input: the status, and one line on standard error.
#include <gtest/gtest.h>

#include "folder.h"
#include "process.h"

namespace snapkv::cli::test {
namespace {

void expect_error(const std::vector<std::string> & arguments, int status, const std::string & part,
                  const std::string & input = {}) {
    const Outcome outcome = run_snapkv(arguments, input);
    EXPECT_EQ(outcome.status, status) << outcome.err;
    EXPECT_TRUE(outcome.err.starts_with("snapkv: error: ")) << outcome.err;
    EXPECT_EQ(outcome.err_lines().size(), 1U) << outcome.err;
    EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err << "lacks " << part;
    EXPECT_EQ(outcome.out, "");
}

TEST(Errors, WrongUsage) {
    expect_error({}, 2, "no command");
    expect_error({"nonsense"}, 2, "nonsense");
    expect_error({"run"}, 2, "no model");
    expect_error({"inspect"}, 2, "no model");
    expect_error({"completion"}, 2, "no shell");
    expect_error(with_model("run", {"--nonsense"}), 2, "--nonsense");
    expect_error(with_model("run", {"-p", "x", "-f", "y"}), 2, "-f and -p");
    expect_error(with_model("run", {"-p", "x", "--kv-kernel", "4"}), 2, "--kv-kernel");
    expect_error(with_model("run", {"--load-kv", "x", "-q", "a", "-p", "b"}), 2, "-q or -p");
    expect_error(with_model("run", {"--load-kv", "x", "-f", "a"}), 2, "--load-kv");
    expect_error(with_model("run", {"--save-kv", "x", "-p", "d", "-q", "a", "-q", "b"}), 2, "2 questions");
    expect_error(with_model("show", {"-p", "d", "-q", "a", "-q", "b"}), 2, "--question is given 2 times");
}

TEST(Errors, ModelsAndConfigurationsThatCannotBe) {
    const Folder folder;
    expect_error({"run", "-m", folder.file("none"), "-p", "x"}, 1, "none");
    expect_error({"run", "-m", folder.write("text", "not a model"), "-p", "x"}, 1, "text");
    expect_error({"run", "-m", folder.write("empty", ""), "-p", "x"}, 1, "empty");
    expect_error({"inspect", folder.file("none")}, 1, "none");
    expect_error(with_model("run", {"-p", "x", "--kv-budget", "32", "--kv-recent", "32"}), 2, "budget");
    expect_error(with_model("run", {"-p", "x", "--kv-budget", "40", "--kv-recent", "30", "--kv-sink", "10"}), 2,
                 "budget");
    expect_error(with_model("run", {"-p", "x", "-c", "100000"}), 2, "100000");
    expect_error(with_model("run", {"--load-kv", folder.write("saved", "not a cache")}), 1, "saved");
    expect_error(with_model("run", {"--load-kv", folder.file("none")}), 1, "none");
}

// One line that names the option, what was found and what is possible.
TEST(Errors, ChoicesThatContradictThePolicy) {
    const auto refuse = [](const std::string & policy, const std::string & option, const std::string & value,
                           const std::string & part) {
        expect_error(with_model("run", {"-p", "x", "--kv-policy", policy, option, value}), 2, part);
    };
    refuse("streaming", "--kv-window", "32", "--kv-window is given, and by --kv-policy streaming there is no vote");
    refuse("streaming", "--kv-group", "max", "--kv-group is given, and by --kv-policy streaming");
    refuse("streaming", "--kv-cluster", "kernel:3,3", "--kv-cluster is given");
    refuse("streaming", "--kv-budget", "4", "--kv-budget is 4, too few rows for --kv-policy streaming");
    refuse("h2o", "--kv-window", "32", "--kv-window is 32, and by --kv-policy h2o every token votes; expected auto");
    refuse("scissorhands", "--kv-evidence", "rms",
           "--kv-evidence is rms, and --kv-policy scissorhands has its own, pivotal; expected auto or another policy");
    refuse("tova", "--kv-evidence", "max", "--kv-policy tova has its own");
    refuse("tova", "--kv-allocation", "heads", "--kv-group layer");
    refuse("tova", "--kv-allocation", "global", "--kv-allocation is global, and by --kv-group layer");
    refuse("auto", "--kv-recent", "none", "--kv-recent");
    refuse(
        "auto", "--kv-budget", "mass:101%",
        "--kv-budget: found \"mass:101%\", expected mass:P% above 0% and up to 100%, or mass:P%:N for N rows at most");
    refuse("auto", "--kv-budget", "mass:95%:", "--kv-budget");
    refuse("auto", "--kv-budget", "mass:95", "--kv-budget");
    refuse("auto", "--kv-budget", "mass:95%:63", "64");
    refuse("h2o", "--kv-budget", "mass:95%",
           "--kv-budget is mass:95%:4096, and by --kv-policy h2o votes are no shares");
    refuse("lava", "--kv-budget", "mass:95%", "--kv-budget is mass:95%:4096");
    refuse("ada", "--kv-budget", "mass:95%", "--kv-allocation is heads, and by --kv-budget mass:95%:4096");
    refuse("snapkv", "--kv-evict", "on", "--kv-evict is on, and --kv-policy snapkv decides once, at the prompt's end");
    refuse("h2o", "--kv-tail-budget", "9",
           "--kv-tail-budget is 9, and by --kv-policy h2o prompt and answer together stay within the budget; expected "
           "none, or --kv-evict off");
    refuse("auto", "--kv-tail-budget", "0", "--kv-tail-budget");
}

TEST(Errors, Prompts) {
    const Folder folder;
    expect_error(with_model("run", {"-f", "/nonexistent/file"}), 1, "/nonexistent/file");
    expect_error(with_model("run", {"-p", ""}), 2, "--prompt: the value is empty");
    expect_error(with_model("run"), 1, "empty");
    expect_error(with_model("perplexity"), 1, "empty");
    expect_error(with_model("perplexity", {"-c", "2", "-f", folder.write("text", "some words")}), 2,
                 "-c is 2, expected at least 4 tokens");
    expect_error(with_model("run"), 1, "UTF-8", "caf\xE9 \xFF\xFE and more");
    expect_error(with_model("run", {"-c", "16", "-p", "a text of rather more than sixteen tokens, or is it"}), 1,
                 "context");
    expect_error(with_model("run", {"-c", "16", "--truncate", "middle", "-p", "short", "-q",
                                    "a question that alone is longer than the context of sixteen tokens"}),
                 1, "--truncate");
}

TEST(Errors, UnwritableOutputsAreFoundBeforeTheWork) {
    const Folder folder;
    for (const char * option : {"--save-kv", "--dump-kept"}) {
        expect_error(with_model("run", {"-p", "x", option, folder.file("no/such")}), 1, option);
        expect_error(with_model("run", {"-p", "x", option, folder.file("")}), 1, option);
    }
    expect_error(with_model("show", {"-p", "x", "--html", folder.file("no/such")}), 1, "--html");
    EXPECT_EQ(folder.entries(), 0U);
}

}  // namespace
}  // namespace snapkv::cli::test

// Options that change nothing are said or refused.
#include "idle_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command_line.h"
#include "snapkv/error.h"

namespace snapkv::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> idle(const std::vector<std::string> & arguments) {
    return idle_options(parse_command_line(arguments));
}

TEST(IdleOptions, AreNamedTogetherWithTheReason) {
    EXPECT_THAT(idle({"run", "--kv-policy", "full", "--kv-budget", "64", "--kv-sink", "4"}),
                ElementsAre("--kv-budget, --kv-sink have no effect with --kv-policy full"));
    EXPECT_THAT(idle({"run", "--kv-policy", "full", "--kv-evict", "off", "--kv-tail-budget", "9"}),
                ElementsAre("--kv-evict has no effect with --kv-policy full"));
    EXPECT_THAT(idle({"show", "--kv-policy", "full", "--kv-window", "8"}),
                ElementsAre("--kv-window has no effect with --kv-policy full"));
    EXPECT_THAT(idle({"bench", "--kv-policy", "full", "--kv-budget", "64"}),
                ElementsAre("--kv-budget has no effect with --kv-policy full"));
    EXPECT_THAT(idle({"eval", "fidelity", "--policies", "full", "--kv-kernel", "5"}),
                ElementsAre("--kv-kernel has no effect with --kv-policy full"));
    EXPECT_THAT(idle({"run", "--raw", "-sys", "x", "--chat-template", "chatml"}),
                ElementsAre("--system-prompt has no effect with --raw: what has no chat template has no system message",
                            "--chat-template has no effect with --raw"));
    EXPECT_THAT(idle({"run", "--grammar", "x", "--grammar-file", "y", "-j", "{}"}),
                ElementsAre("--grammar-file, --json-schema have no effect with --grammar"));
    EXPECT_THAT(idle({"run", "--grammar-file", "y", "-jf", "z"}),
                ElementsAre("--json-schema-file has no effect with --grammar-file"));
    EXPECT_THAT(idle({"run", "--logprobs", "2"}), ElementsAre("--logprobs has no effect without --json"));
    EXPECT_THAT(idle({"run", "--load-kv", "x", "--chat-template", "chatml"}),
                ElementsAre("--chat-template has no effect with --load-kv and no further turn (-q)"));
    EXPECT_THAT(idle({"run", "-sys", "x", "-sysf", "y"}),
                ElementsAre("--system-prompt-file has no effect with --system-prompt"));
    EXPECT_THAT(idle({"run", "--kv-pool", "none", "--kv-kernel", "5"}),
                ElementsAre("--kv-kernel has no effect with --kv-pool none"));
    EXPECT_THAT(idle({"run", "--kv-cluster", "kernel:3,9", "--kv-kernel", "5", "--kv-pool", "avg"}),
                ElementsAre("--kv-kernel, --kv-pool have no effect with --kv-cluster, which says it all"));
    EXPECT_THAT(idle({"run", "--kv-policy", "full", "--kv-recent", "8", "--kv-evidence", "max"}),
                ElementsAre("--kv-recent, --kv-evidence have no effect with --kv-policy full"));
    EXPECT_THAT(idle({"run", "--kv-rotate", "off", "--kv-type", "f32"}),
                ElementsAre("--kv-rotate has no effect without --kv-type q8_0 or q4_0"));
    EXPECT_THAT(idle({"run", "--top-k", "5", "-s", "1"}),
                ElementsAre("--seed, --top-k have no effect at --temp 0, where the most likely token is always taken"));
    EXPECT_THAT(idle({"run", "-n", "0", "--temp", "1", "--stop", "x"}),
                ElementsAre("--temp, --stop have no effect with -n 0"));
    EXPECT_THAT(idle({"run", "--load-kv", "x", "--truncate", "middle", "-q", "x"}),
                ElementsAre("--truncate has no effect with --load-kv: there is no document"));
    EXPECT_THAT(idle({"run", "--load-kv", "x", "--raw"}),
                ElementsAre("--raw has no effect with --load-kv and no further turn (-q)"));
}

TEST(IdleOptions, AreNotThoseThatDoSomething) {
    EXPECT_THAT(idle({"run", "--kv-budget", "64", "--kv-pool", "avg", "--kv-kernel", "5", "--kv-type-v", "q4_0",
                      "--kv-rotate", "off", "--temp", "0.5", "--top-k", "5", "-s", "1", "--truncate", "middle"}),
                IsEmpty());
    EXPECT_THAT(idle({"run", "--repeat-penalty", "1.1"}), IsEmpty());
    EXPECT_THAT(idle({"run", "--load-kv", "x", "--kv-policy", "full", "--kv-budget", "64"}), IsEmpty());
    EXPECT_THAT(idle({"bench", "--kv-policy", "full,snapkv", "--kv-budget", "64"}), IsEmpty());
    EXPECT_THAT(idle({"eval", "fidelity", "--kv-pool", "none,max", "--kv-kernel", "5", "--kv-type", "f16,q8_0/q4_0",
                      "--kv-rotate", "on,off"}),
                IsEmpty());
}

std::string refusal(const std::vector<std::string> & arguments) {
    try {
        check_idle_options(parse_command_line(arguments));
    } catch (const Error & error) {
        EXPECT_EQ(error.kind(), ErrorKind::Usage);
        return error.what();
    }
    return "no error";
}

TEST(IdleOptions, OfAnotherExperimentAreRefused) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
        {{"eval", "longbench", "--lengths", "100"}, "--lengths is only for"},
        {{"eval", "lines", "--lines", "20", "--lengths", "100"}, "--lengths is only for"},
        {{"eval", "ruler", "--data", "x", "--lengths", "100"}, "--lengths is only for"},
        {{"eval", "ruler", "--depths", "0"}, "--depths is only for"},
        {{"eval", "needle", "--lines", "20"}, "--lines is only for"},
        {{"eval", "needle", "--samples", "2"}, "--samples is only for"},
        {{"eval", "lines", "--samples", "2"}, "--samples is only for"},
        {{"eval", "lines", "--needle", "x"}, "--needle is only for"},
        {{"eval", "needle", "--expect", "x"}, "--expect is only for"},
        {{"eval", "needle", "-q", "x"}, "--question is only for"},
        {{"eval", "ruler", "-q", "x"}, "--question is only for"},
        {{"eval", "needle", "--tasks", "x"}, "--tasks is only for"},
        {{"eval", "needle", "--data", "x"}, "--data is only for"},
        {{"eval", "longbench", "--squad", "x"}, "--squad is only for"},
        {{"eval", "ruler", "--data", "x", "--hotpotqa", "x"}, "--hotpotqa is only for"},
        {{"eval", "lines", "--skip-broken"}, "--skip-broken is only for"},
        {{"eval", "fidelity", "--prefills", "each"}, "--prefills is only for"},
        {{"eval", "needle", "--no-answer-prefix"}, "--no-answer-prefix is only for"},
        {{"eval", "fidelity", "--seed", "2"}, "--seed is only for"},
        {{"eval", "lines", "-f", "x"}, "--file is only for"},
        {{"observe", "budget", "--windows", "2"}, "--windows is only for windows"},
        {{"observe", "instructions", "--threshold", "0"}, "--threshold is only for"},
    };
    for (const auto & [arguments, part] : cases) {
        EXPECT_THAT(refusal(arguments), HasSubstr(part));
    }
    for (const std::vector<std::string> & arguments : std::vector<std::vector<std::string>>{
             {"eval",       "needle", "-f",     "x", "--lengths", "9", "--depths", "0",
              "--needle",   "x",      "-q",     "x", "--expect",  "x", "--raw",    "--no-answer-prefix",
              "--prefills", "each",   "--seed", "2"},
             {"eval", "lines", "--lines", "20", "--depths", "0"},
             {"eval", "lines", "--data", "x", "--samples", "2", "--skip-broken"},
             {"eval", "ruler", "-f", "x", "--squad", "x", "--hotpotqa", "x", "--tasks", "qa_1", "--samples", "1"},
             {"eval", "longbench", "--data", "x", "--tasks", "qasper", "--samples", "1"},
             {"eval", "fidelity", "-f", "x", "-q", "x", "--lengths", "9", "--samples", "1"},
             {"observe", "windows", "--windows", "2", "--threshold", "0"}}) {
        EXPECT_EQ(refusal(arguments), "no error") << arguments[1];
    }
}

}  // namespace
}  // namespace snapkv::cli

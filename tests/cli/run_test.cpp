// `snapkv run` from end to end, on prompts that take a moment.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "folder.h"
#include "process.h"
#include "run_json.h"

namespace snapkv::cli::test {
namespace {

using Json = nlohmann::json;

/// About 110 tokens.
std::string story() {
    std::string text;
    for (const char * name : {"Anna", "Bert", "Clara", "David", "Emma", "Felix", "Ida"}) {
        text += std::string(name) + " went to the market and bought three apples and a loaf of bread. ";
    }
    return text;
}

TEST(Run, GoesOnEvictingOrBoundsWhatComesAfterThePrompt) {
    std::string text;
    for (int i = 0; i < 60; ++i) {
        text += "The sky is blue and the sea is green. ";
    }
    const auto kv = [&](std::vector<std::string> options) {
        options.insert(options.end(), {"-f", "/dev/stdin", "-q", "What is blue?", "-n", "24", "--kv-budget", "64"});
        return run_json(options, text)["kv"];
    };
    const Json evicting = kv({"--kv-policy", "h2o"});
    EXPECT_EQ(evicting["evict"], "on");
    EXPECT_GT(evicting["evicted"], 0);
    const Json once = kv({"--kv-policy", "h2o", "--kv-evict", "off"});
    EXPECT_EQ(once["evict"], "off");
    EXPECT_EQ(once["evicted"], 0);
    EXPECT_EQ(once["rows_kept"], evicting["rows_kept"]);
    const Json bounded = kv({"--kv-policy", "snapkv", "--kv-tail-budget", "2"});
    EXPECT_EQ(bounded["evict"], "off");
    EXPECT_EQ(bounded["tail_budget"], 2);
    EXPECT_GT(bounded["evicted"], 0);
}

TEST(Run, StreamsTextAndThenSaysWhatItTook) {
    const Outcome plain = run({"-p", "The sky is blue.", "-q", "What is blue?", "-n", "6"});
    const Json json = run_json({"-f", "/dev/stdin", "-q", "What is blue?", "-n", "6"}, "The sky is blue.");
    EXPECT_EQ(plain.out, json["text"].get<std::string>() + "\n");
    EXPECT_NE(plain.err.find("to prefill"), std::string::npos) << plain.err;
    EXPECT_NE(plain.err.find("peak"), std::string::npos) << plain.err;
    EXPECT_NE(plain.err.find("not compressed: "), std::string::npos) << plain.err;
    EXPECT_EQ(json["tokens"].size(), json["generated_tokens"]);
    EXPECT_FALSE(json["kv"]["compressed"]);
    EXPECT_TRUE(json["kv"]["reason"].is_string());
    EXPECT_EQ(json["kv"]["rows_full"], json["prompt_tokens"].get<int>() * 90);
    EXPECT_GT(json["kv"]["bytes_peak"], 0);
    EXPECT_GT(json["peak_rss_bytes"], 0);
}

TEST(Run, PutsTheSystemMessageBeforeTheUsers) {
    const Folder folder;
    const std::string file = folder.write("system.txt", "Answer in one word.\n");
    const Json said =
        run_json({"-p", "The sky is blue.", "-q", "What is blue?", "-n", "4", "-sys", "Answer in one word."});
    const Json read = run_json({"-p", "The sky is blue.", "-q", "What is blue?", "-n", "4", "-sysf", file});
    const std::string document =
        "<|im_start|>system\nAnswer in one word.<|im_end|>\n<|im_start|>user\nThe sky is blue.\n\n";
    const std::string question = "What is blue?<|im_end|>\n<|im_start|>assistant\n";
    const Json raw = run_json({"--raw", "--parse-special", "-n", "4", "-p", document, "-q", question});
    EXPECT_EQ(said["tokens"], raw["tokens"]);
    EXPECT_EQ(said["prompt_tokens"], raw["prompt_tokens"]);
    EXPECT_EQ(said["tokens"], read["tokens"]);
    EXPECT_EQ(said["prompt_tokens"], read["prompt_tokens"]);
}

TEST(Run, AnswersWithinAGrammarAndAsASchemaSays) {
    const Folder folder;
    const std::vector<std::string> asked{"-p", "The sky is blue.", "-q", "Is the sky blue?", "-n", "40"};
    const auto with = [&](const std::vector<std::string> & more) {
        std::vector<std::string> all = asked;
        all.insert(all.end(), more.begin(), more.end());
        return run_json(all)["text"].get<std::string>();
    };
    EXPECT_EQ(with({"--grammar", "root ::= \"Yes, indeed\""}), "Yes, indeed");
    EXPECT_EQ(with({"--grammar-file", folder.write("yes.gbnf", "root ::= \"Yes!\"\n")}), "Yes!");
    const std::string schema = R"({"type": "object", "properties": {"blue": {"type": "boolean"}}, "required": ["blue"],
                                   "additionalProperties": false})";
    EXPECT_TRUE(Json::parse(with({"-j", schema}))["blue"].is_boolean());
    EXPECT_TRUE(Json::parse(with({"-jf", folder.write("schema.json", schema)}))["blue"].is_boolean());
    const Outcome refused = run_snapkv(with_model("run", {"-p", "x", "--grammar", "root ::= y"}));
    EXPECT_EQ(refused.status, 1);
    EXPECT_NE(refused.err.find("the grammar cannot be used: the rule y is not defined"), std::string::npos)
        << refused.err;
    EXPECT_EQ(refused.err.find("prefill "), std::string::npos) << "before anything is computed";
}

TEST(Run, TellsHowLikelyTokensWere) {
    const Json json = run_json({"-p", "The sky is blue.", "-q", "What is blue?", "-n", "4", "--logprobs", "3"});
    ASSERT_EQ(json["logprobs"].size(), json["tokens"].size());
    for (std::size_t i = 0; i < json["tokens"].size(); ++i) {
        const Json & token = json["logprobs"][i];
        EXPECT_EQ(token["token"], json["tokens"][i]);
        EXPECT_LE(token["logprob"].get<double>(), 0);
        ASSERT_EQ(token["top"].size(), 3U);
        EXPECT_EQ(token["top"][0]["token"], token["token"]) << "greedy";
        EXPECT_EQ(token["top"][0]["logprob"], token["logprob"]);
        EXPECT_EQ(token["top"][0]["text"], token["text"]);
    }
    EXPECT_FALSE(run_json({"-p", "The sky is blue.", "-n", "1"}).contains("logprobs"));
}

TEST(Run, TakesAnotherChatTemplate) {
    const Folder folder;
    const std::string source = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:";
    const std::string file = folder.write("plain.jinja", source);
    const Json said = run_json({"-p", "The sky is", "-n", "4", "--chat-template", source});
    const Json read = run_json({"-p", "The sky is", "-n", "4", "--chat-template-file", file});
    const Json raw = run_json({"--raw", "-p", "user: The sky is\nassistant:", "-n", "4"});
    EXPECT_EQ(said["tokens"], raw["tokens"]);
    EXPECT_EQ(said["prompt_tokens"], raw["prompt_tokens"]);
    EXPECT_EQ(said["tokens"], read["tokens"]);
}

TEST(Run, CompressesAndDumpsWhatItKept) {
    const Folder folder;
    const std::string file = folder.file("kept.json");
    const Json json =
        run_json({"--raw", "-n", "2", "--kv-budget", "64", "--kv-window", "8", "--dump-kept", file}, story());
    const std::size_t prompt = json["prompt_tokens"];
    ASSERT_GT(prompt, 100U);
    EXPECT_TRUE(json["kv"]["compressed"]);
    EXPECT_TRUE(json["kv"]["reason"].is_null());
    EXPECT_EQ(json["kv"]["rows_kept"], 64 * 90);
    EXPECT_EQ(json["kv"]["window"], 8);
    EXPECT_EQ(json["kv"]["bytes_kept"], 64 * 90 * 128 * 2);
    EXPECT_EQ(json["stop_reason"], "length");

    const Json kept = Json::parse(contents(file));
    EXPECT_EQ(kept["n_prompt"], prompt);
    ASSERT_EQ(kept["layers"].size(), 30U);
    for (const Json & layer : kept["layers"]) {
        ASSERT_EQ(layer.size(), 3U);
        for (const Json & head : layer) {
            const auto positions = head.get<std::vector<std::size_t>>();
            ASSERT_EQ(positions.size(), 64U);
            EXPECT_TRUE(std::is_sorted(positions.begin(), positions.end()));
            EXPECT_EQ(positions[56], prompt - 8);
            EXPECT_EQ(positions.back(), prompt - 1);
        }
    }
}

TEST(Run, AnswersSeveralQuestionsInOrder) {
    const Folder folder;
    const std::vector<std::string> common{"-p", story(), "-n", "4", "--kv-budget", "96"};
    std::vector<std::string> both = common;
    both.insert(both.end(), {"-q", "Who went first?", "-q", "What did Ida buy at the market?"});
    const Outcome plain = run(both);
    both.insert(both.end(), {"--dump-kept", folder.file("kept.json")});
    const Json json = run_json(both);
    ASSERT_EQ(json["answers"].size(), 2U);
    const std::string first = json["answers"][0]["text"];
    const std::string second = json["answers"][1]["text"];
    EXPECT_EQ(plain.out, "> Who went first?\n" + first + "\n\n> What did Ida buy at the market?\n" + second + "\n");
    EXPECT_LT(json["prompt_tokens"], json["answers"][0]["prompt_tokens"]);
    EXPECT_LT(json["answers"][0]["prompt_tokens"], json["answers"][1]["prompt_tokens"]);
    EXPECT_EQ(Json::parse(contents(folder.file("kept.json")))["answers"].size(), 2U);

    std::vector<std::string> alone = common;
    alone.insert(alone.end(), {"-q", "What did Ida buy at the market?"});
    EXPECT_EQ(run_json(alone)["text"], second);
}

TEST(Run, PrefillsOnlyOrStopsBeforeIt) {
    const Json prefilled = run_json({"-p", "A short text.", "-n", "0"});
    EXPECT_EQ(prefilled["text"], "");
    EXPECT_EQ(prefilled["tokens"], Json::array());
    EXPECT_EQ(prefilled["stop_reason"], "length");
    const Outcome dry = run({"-p", "A short text.", "--dry-run"});
    EXPECT_EQ(dry.out, "");
    EXPECT_NE(dry.err.find("to prefill"), std::string::npos);
    const Json estimate = run_json({"-p", "A short text.", "--dry-run"});
    EXPECT_EQ(estimate["prompt_tokens"], prefilled["prompt_tokens"]);
    EXPECT_GT(estimate["bytes_needed"], 0);
    EXPECT_GE(estimate["bytes_available"], estimate["bytes_needed"]);
    EXPECT_TRUE(estimate["seconds_estimated"].is_number());
}

TEST(Run, SaysWhatIsNeededWhereMemoryIsShort) {
    const std::vector<std::string> rest{"--raw",        "-p", "A short text.", "-c",        "100000000",
                                        "--allow-long", "-n", "100000000",     "--dry-run", "--json"};
    const Outcome outcome = run_snapkv(with_model("run", rest));  // 2 TiB of rows
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    const Json estimate = Json::parse(outcome.out);
    EXPECT_GT(estimate["bytes_needed"].get<double>(), 1e12);
    EXPECT_LT(estimate["bytes_available"], estimate["bytes_needed"]);
    EXPECT_EQ(estimate["seconds_estimated"], 0);
    EXPECT_NE(outcome.err.find("snapkv: error: the run needs "), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find(" is available\n"), std::string::npos) << outcome.err;
}

TEST(Run, StopsBeforeAStopString) {
    const Json whole = run_json({"--raw", "-p", "one two three four five six", "-n", "6"});
    const std::string text = whole["text"];
    ASSERT_GT(text.size(), 4U);
    const std::string stop = text.substr(text.size() / 2, 2);
    const Json cut = run_json({"--raw", "-p", "one two three four five six", "-n", "6", "--stop", stop});
    EXPECT_EQ(cut["stop_reason"], "stop");
    EXPECT_EQ(cut["text"], text.substr(0, text.find(stop)));
}

TEST(Run, TruncatesTheMiddleAndSaysSo) {
    const std::vector<std::string> common{"--raw", "-p", story(), "-c", "100", "--truncate", "middle"};
    const auto truncated = [&](const std::vector<std::string> & rest) {
        std::vector<std::string> arguments = common;
        arguments.insert(arguments.end(), rest.begin(), rest.end());
        arguments.emplace_back("--json");
        const Outcome outcome = run(arguments);
        EXPECT_NE(outcome.err.find("dropped from the middle"), std::string::npos) << outcome.err;
        return Json::parse(outcome.out);
    };
    EXPECT_EQ(truncated({"-n", "4"})["prompt_tokens"], 96);
    EXPECT_EQ(truncated({"-n", "0"})["prompt_tokens"], 99);
    // Room for an answer of open length: a quarter of the context.
    const Json open = truncated({});
    EXPECT_EQ(open["prompt_tokens"], 75);
    EXPECT_GT(open["generated_tokens"], 1);
}

TEST(Run, KeepsTheDocumentWhereTheAnswerMayBeLong) {
    const int whole = run_json({"--raw", "-p", story(), "-n", "0"})["prompt_tokens"];
    const auto truncated = [](int context, int predict) {
        const Outcome outcome = run({"--raw", "-p", story(), "-c", std::to_string(context), "-n",
                                     std::to_string(predict), "--truncate", "middle", "--dry-run", "--json"});
        EXPECT_NE(outcome.err.find("dropped from the middle"), std::string::npos) << outcome.err;
        EXPECT_NE(outcome.err.find(fmt::format("--truncate middle: {} tokens reserved for the answer instead of {},",
                                               context / 4, predict)),
                  std::string::npos)
            << outcome.err;
        return Json::parse(outcome.out)["prompt_tokens"].get<int>();
    };
    EXPECT_EQ(truncated(100, 100), 75);  // -n means "at most"
    EXPECT_EQ(truncated(100, 97), 75);
    EXPECT_EQ(truncated(whole + 1, whole - 3), whole + 1 - (whole + 1) / 4);
}

TEST(Run, TruncatesOnlyWhatIsDocument) {
    const Outcome outcome = run_snapkv(
        with_model("run", {"--raw", "-p", "x", "-q", story(), "-c", "60", "--truncate", "middle", "--dry-run"}));
    EXPECT_EQ(outcome.status, 1);
    EXPECT_NE(outcome.err_lines().back().find("--truncate middle: the question and the template ("), std::string::npos)
        << outcome.err;
}

TEST(Run, LeavesADocumentThatFitsWhole) {
    const Json whole = run_json({"--raw", "-p", "one two three", "-n", "1"});
    for (const char * count : {"20", "8192"}) {
        const Outcome outcome =
            run({"--raw", "-p", "one two three", "-c", "24", "-n", count, "--truncate", "middle", "--json"});
        EXPECT_EQ(Json::parse(outcome.out)["prompt_tokens"], whole["prompt_tokens"]);
        EXPECT_EQ(outcome.err.find("dropped"), std::string::npos) << outcome.err;
    }
}

TEST(Run, GeneratesUntilTheContextEndsWhateverWasAskedFor) {
    const std::vector<std::string> common{"--raw", "-p", "1, 2, 3, 4, 5, 6, 7,", "-c", "40", "-n", "8192"};
    const Json json = run_json(common);
    EXPECT_EQ(json["stop_reason"], "length");
    EXPECT_EQ(json["prompt_tokens"].get<int>() + json["generated_tokens"].get<int>(), 40);
    const Outcome plain = run(common);
    EXPECT_NE(plain.err.find("cut off at the end of the context (40 tokens)\n"), std::string::npos) << plain.err;

    const std::string left = std::to_string(json["generated_tokens"].get<int>());
    std::vector<std::string> dry = common;
    dry.emplace_back("--dry-run");
    const Json asked = run_json(dry);
    const Json possible = run_json({"--raw", "-p", "1, 2, 3, 4, 5, 6, 7,", "-c", "40", "-n", left, "--dry-run"});
    // The heap that libllama's vocabulary takes differs by some hundred bytes from run to run; one token's rows are
    // 23,040.
    EXPECT_NEAR(asked["bytes_needed"].get<double>(), possible["bytes_needed"].get<double>(), 10'000);
}

TEST(Run, SaysWhichAnswersTheirLengthEnded) {
    const Outcome outcome =
        run({"-p", "The sky is blue.", "-q", "Count from 1 to 20.", "-q", "Count from 20 to 40.", "-n", "3"});
    std::size_t cut = 0;
    for (const std::string & line : outcome.err_lines()) {
        cut += line.find("answer   3 tokens") != std::string::npos && line.ends_with(", cut off at -n 3") ? 1U : 0U;
    }
    EXPECT_EQ(cut, 2U) << outcome.err;
    const Outcome prefill = run({"-p", "The sky is blue.", "-n", "0"});
    EXPECT_EQ(prefill.err.find("cut off"), std::string::npos) << prefill.err;
}

TEST(Run, BothAttentionPathsAnswerAlike) {
    const std::vector<std::string> rest{"-p", "The sky is blue.", "-n", "4", "--attention"};
    std::vector<std::string> cpu = rest;
    cpu.emplace_back("cpu");
    std::vector<std::string> portable = rest;
    portable.emplace_back("portable");
    EXPECT_EQ(run_json(cpu)["tokens"], run_json(portable)["tokens"]);
}

TEST(Run, VerboseSaysWhatIsInForce) {
    const Outcome outcome = run({"-p", "x", "-n", "0", "--verbose", "--kv-sink", "3"});
    EXPECT_NE(outcome.err.find("--kv-sink 3"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("products: "), std::string::npos) << outcome.err;
}

TEST(Run, EndsOnInterruptInThePrefill) {
    std::string text;
    for (int i = 0; i < 40; ++i) {
        text += story();
    }
    const Folder folder;
    const std::string saved = folder.file("saved.kv");
    const Outcome outcome =
        run_snapkv(with_model("run", {"--json", "--save-kv", saved, "--dump-kept", folder.file("kept.json")}), text,
                   [](const Outcome & so_far) { return so_far.err.find("to prefill") != std::string::npos; });
    EXPECT_EQ(outcome.status, 130) << outcome.err;
    EXPECT_NE(outcome.err.find("snapkv: --save-kv: not written: interrupted\n"), std::string::npos) << outcome.err;
    EXPECT_NE(outcome.err.find("snapkv: --dump-kept: not written: interrupted\n"), std::string::npos) << outcome.err;
    EXPECT_EQ(folder.entries(), 0U);
    const Json json = Json::parse(outcome.out);
    EXPECT_EQ(json["stop_reason"], "interrupt");
    EXPECT_EQ(json["text"], "");
    EXPECT_GT(json["prompt_tokens"], 4000);
}

TEST(Run, EndsOnInterruptInTheAnswerWithWhatThereIs) {
    const Folder folder;
    const std::string saved = folder.file("saved.kv");
    const Outcome outcome =
        run_snapkv(with_model("run", {"--raw", "-p", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10,", "--save-kv", saved}), {},
                   [](const Outcome & so_far) { return !so_far.out.empty(); });
    EXPECT_EQ(outcome.status, 130) << outcome.err;
    EXPECT_TRUE(outcome.out.ends_with('\n')) << outcome.out;
    EXPECT_NE(outcome.err.find("interrupted"), std::string::npos) << outcome.err;
    EXPECT_GT(contents(saved).size(), 0U);
}

}  // namespace
}  // namespace snapkv::cli::test

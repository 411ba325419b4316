// Texts, vocabularies and chat templates that do their worst, as a user meets them.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "folder.h"
#include "process.h"
#include "support/sanitizers.h"
#include "support/tiny_model.h"

namespace snapkv::cli::test {
namespace {

using Json = nlohmann::json;
using snapkv::test::TinyModel;
using snapkv::test::TinyModelFile;

TinyModelFile model_with(const std::function<void(gguf_context *)> & change) {
    TinyModel model;
    model.change_keys = change;
    return TinyModelFile(model);
}

TinyModelFile model_with_text(const char * key, const std::string & text) {
    return model_with([&](gguf_context * keys) { gguf_set_val_str(keys, key, text.c_str()); });
}

Outcome snapkv(const std::string & command, const TinyModelFile & model, std::vector<std::string> rest) {
    rest.insert(rest.begin(), {command, "-m", model.path().string()});
    if (command == "inspect") {
        rest.erase(rest.begin() + 1);
    } else {
        rest.insert(rest.end(), {"-t", "1"});
    }
    return run_snapkv(rest);
}

bool says(const Outcome & outcome, const std::string & text) {
    return outcome.err.find(text) != std::string::npos;
}

constexpr const char * endless = "{% for i in range(99999999999) %}{% endfor %}";

TEST(HostileText, ALongRunIsTokenizedByEveryCommand) {
    const Folder folder;
    const std::string letters(30'000, 'A');
    const std::string file = folder.write("letters.txt", letters);
    for (const char * pre : {"gpt-4o", "tekken", "deepseek-llm"}) {
        const TinyModelFile model = model_with_text("tokenizer.ggml.pre", pre);
        for (const auto & how :
             std::vector<std::vector<std::string>>{{"--raw", "-f", file}, {"-f", file}, {"-p", "x", "-q", letters}}) {
            std::vector<std::string> rest{"--dry-run", "--json", "-c", "40000", "--allow-long"};
            rest.insert(rest.end(), how.begin(), how.end());
            const Outcome outcome = snapkv("run", model, rest);
            ASSERT_EQ(outcome.status, 0) << outcome.err;
            EXPECT_GE(Json::parse(outcome.out)["prompt_tokens"], 30'000);
        }
        const Outcome perplexity = snapkv("perplexity", model, {"-f", file, "-c", "40000", "--allow-long"});
        EXPECT_EQ(perplexity.status, 1);
        EXPECT_TRUE(says(perplexity, "the text has 30000 tokens")) << perplexity.err;
        const Outcome observe =
            snapkv("observe", model, {"windows", "--raw", "-f", file, "-o", folder.file(std::string("seen-") + pre)});
        EXPECT_EQ(observe.status, 1) << observe.err;
        EXPECT_TRUE(says(observe, "snapkv: error: ")) << observe.err;
        const Outcome eval = snapkv("eval", model,
                                    {"fidelity", "--raw", "-f", file, "--lengths", "16", "--samples", "1", "-n", "2",
                                     "--budgets", "8", "--kv-window", "2", "-o", folder.file(pre)});
        EXPECT_EQ(eval.status, 0) << eval.err;
    }
}

TEST(HostileText, ARunBeyondAllMeasureIsRefusedInOneLine) {
    const Folder folder;
    const std::string file = folder.write("letters.txt", std::string(1'200'000, 'A'));
    const Outcome outcome = snapkv("run", model_with_text("tokenizer.ggml.pre", "gpt-4o"),
                                   {"--raw", "-f", file, "-c", "40000", "--allow-long"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.err_lines().back(),
              "snapkv: error: the text has 1200000 characters without a break, starting at byte 0: this model's "
              "tokenizer can handle at most 1048576");
}

TEST(HostileText, AFileFarBeyondTheContextIsRefusedUnread) {
    const Folder folder;
    std::string text;
    while (text.size() < 1'000'000) {
        text += "Words on a line.\n";
    }
    const std::string file = folder.write("long.txt", text);
    const Outcome outcome =
        snapkv("run", model_with(nullptr), {"--raw", "-f", file, "-c", "1000", "--truncate", "middle"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.err_lines().back(),
              "snapkv: error: the prompt (" + std::to_string(text.size()) +
                  " bytes) is longer than 100000 tokens, a hundred times the context size of 1000");
}

TEST(HostileText, CtrlCEndsTheTokenizing) {
    const Folder folder;
    std::string text;
    while (text.size() < 60'000'000) {
        text += "Words on a line, and more of them.\n";
    }
    const std::string file = folder.write("long.txt", text);
    const TinyModelFile model = model_with(nullptr);
    const auto interrupted = [&](std::vector<std::string> command) {
        command.insert(command.end(), {"-m", model.path().string(), "-t", "1", "-f", file});
        int asked = 0;
        Outcome outcome = run_snapkv(command, {}, [&](const Outcome &) { return ++asked == 75; });
        EXPECT_EQ(outcome.status, 130) << outcome.err;
        return outcome;
    };
    const Outcome perplexity = interrupted({"perplexity", "--json"});
    ASSERT_FALSE(perplexity.out.empty()) << "ended by the signal itself";
    EXPECT_EQ(Json::parse(perplexity.out)["chunks"], 0);

    // As where the prefill is interrupted.
    const Outcome run = interrupted({"run", "--raw", "-c", "1000000", "--allow-long", "-q", "One?", "-q", "Two?",
                                     "--json", "--dump-kept", folder.file("kept.json")});
    const Json json = Json::parse(run.out);
    ASSERT_EQ(json["answers"].size(), 2U);
    EXPECT_EQ(json["answers"][1]["prompt_tokens"], 0) << "nothing was tokenized to its end";
    EXPECT_EQ(json["answers"][1]["stop_reason"], "interrupt");
    EXPECT_EQ(json["answers"][1]["text"], "");
    EXPECT_TRUE(says(run, "--dump-kept: not written: interrupted")) << run.err;

    const Outcome eval = interrupted({"eval", "fidelity", "--raw", "--lengths", "16", "-o", folder.file("out")});
    EXPECT_TRUE(says(eval, "run the same command again to resume")) << eval.err;
}

TEST(HostileTemplate, IsRenderedWhenItIsNeeded) {
    const TinyModelFile model = model_with_text("tokenizer.chat_template", endless);
    EXPECT_EQ(snapkv("inspect", model, {}).status, 0);
    EXPECT_EQ(snapkv("run", model, {"--raw", "-p", "hello", "-n", "1"}).status, 0);
    const Outcome chat = snapkv("run", model, {"-p", "hello", "-n", "1"});
    EXPECT_EQ(chat.status, 1);
    EXPECT_TRUE(chat.err_lines().back().starts_with("snapkv: error: the chat template cannot be used: ")) << chat.err;
}

TEST(HostileTemplate, ThatCallsItselfEndsInOneLine) {
    const TinyModelFile model =
        model_with_text("tokenizer.chat_template", "{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}");
    const Outcome chat = snapkv("run", model, {"-p", "hello", "-n", "1"});
    EXPECT_EQ(chat.status, 1);
    EXPECT_TRUE(chat.err_lines().back().starts_with("snapkv: error: the chat template cannot be used: ")) << chat.err;
}

TEST(HostileTemplate, ALimitOfAddressSpaceLeavesRoomToInspectAndToRender) {
    if (snapkv::test::kSanitized) {
        GTEST_SKIP() << "a sanitizer maps terabytes";
    }
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
    rlimit limit = before;
    limit.rlim_cur = rlim_t{600'000} << 10U;
    ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
    const Outcome inspect = run_snapkv({"inspect", SNAPKV_TEST_MODEL});
    const Outcome rendered = run_snapkv(with_model("run", {"-p", "hello", "--dry-run"}));
    ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
    EXPECT_EQ(inspect.status, 0) << inspect.err;
    EXPECT_EQ(rendered.status, 0) << rendered.err;
    EXPECT_NE(inspect.out.find("chat template"), std::string::npos);
}

TEST(HostileVocabulary, ThatAsksForAnEndTokenGetsNoneBehindAPrompt) {
    const auto prompt_tokens = [](bool adds_eos) {
        const TinyModelFile model =
            model_with([&](gguf_context * keys) { gguf_set_val_bool(keys, "tokenizer.ggml.add_eos_token", adds_eos); });
        const Outcome outcome = snapkv("run", model, {"--raw", "-p", "hello", "-n", "1", "--json"});
        EXPECT_EQ(outcome.status, 0) << outcome.err;
        return Json::parse(outcome.out)["prompt_tokens"];
    };
    EXPECT_EQ(prompt_tokens(true), prompt_tokens(false));
}

TEST(HostileVocabulary, WithoutAPreTokenizerIsWarnedOf) {
    const TinyModelFile without = model_with([](gguf_context * keys) {
        ASSERT_GE(gguf_find_key(keys, "tokenizer.ggml.pre"), 0);
        gguf_remove_key(keys, "tokenizer.ggml.pre");
    });
    const Outcome outcome = snapkv("run", without, {"--raw", "-p", "hello", "-n", "1"});
    EXPECT_EQ(outcome.status, 0);
    const std::vector<std::string> lines = outcome.err_lines();
    EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                            [](const std::string & line) {
                                return line.starts_with("snapkv: warning: ") &&
                                       line.ends_with("missing pre-tokenizer type, using: 'default'");
                            }),
              1)
        << outcome.err;
    EXPECT_FALSE(says(snapkv("run", model_with(nullptr), {"--raw", "-p", "hello", "-n", "1"}), "pre-tokenizer"));
}

TEST(ParseSpecial, MakesControlTokensOfRawText) {
    const auto prompt_tokens = [](const std::vector<std::string> & rest) {
        std::vector<std::string> all = with_model("run", {"-p", "<|im_start|>user", "-n", "1", "--json", "--raw"});
        all.insert(all.end(), rest.begin(), rest.end());
        const Outcome outcome = run_snapkv(all);
        EXPECT_EQ(outcome.status, 0) << outcome.err;
        return Json::parse(outcome.out)["prompt_tokens"].get<int>();
    };
    EXPECT_EQ(prompt_tokens({"--parse-special"}), 2);
    EXPECT_GT(prompt_tokens({}), 2);
}

TEST(ParseSpecial, NeedsRaw) {
    const Outcome outcome = run_snapkv(with_model("run", {"-p", "hello", "--parse-special"}));
    EXPECT_EQ(outcome.status, 2);
    EXPECT_TRUE(says(outcome, "--parse-special requires --raw")) << outcome.err;
}

TEST(Show, PrintsWholeCharacters) {
    std::string text;
    for (int i = 0; i < 20; ++i) {
        text += "\U0001F980\u09C7\U00010400 words ";
    }
    const Outcome outcome =
        run_snapkv(with_model("show", {"--raw", "-p", text, "--kv-window", "7", "--kv-budget", "40"}));
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("\U0001F980"), std::string::npos);
    EXPECT_EQ(outcome.out.find("\uFFFD"), std::string::npos) << outcome.out;
}

}  // namespace
}  // namespace snapkv::cli::test

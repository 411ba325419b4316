// `show`, `perplexity`, `inspect`, `completion`, `docs` and the general options, from end to end.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "docs.h"
#include "folder.h"
#include "help.h"
#include "process.h"
#include "snapkv/named_policy.h"
#include "support/split_model.h"
#include "support/tiny_model.h"

namespace snapkv::cli::test {
namespace {

using Json = nlohmann::json;

const std::string text =
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of <foolishness>, "
    "it "
    "was the epoch of belief, it was the epoch of incredulity, it was the season of light, it was the season of "
    "darkness. ";

TEST(Show, MarksTheKeptTokens) {
    const Outcome outcome = run_snapkv(with_model("show", {"--raw", "--kv-budget", "24", "--kv-window", "8"}), text);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out.find('\x1B'), std::string::npos);
    EXPECT_NE(outcome.out.find("[w|"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("of the 90 heads"), std::string::npos);
    EXPECT_NE(outcome.out.find("--kv-budget      24"), std::string::npos);
}

TEST(Show, WritesAPage) {
    const Folder folder;
    const Outcome outcome = run_snapkv(
        with_model("show", {"-q", "Which <age>?", "--kv-budget", "64", "--html", folder.file("page.html")}), text);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    const std::string page = contents(folder.file("page.html"));
    EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
    EXPECT_NE(page.find("of 90 heads"), std::string::npos);
    EXPECT_NE(page.find("Which &lt;age&gt;?"), std::string::npos);
    EXPECT_EQ(page.find("<foolishness"), std::string::npos);
}

TEST(Perplexity, IsANumberOverChunks) {
    const Outcome outcome = run_snapkv(with_model("perplexity", {"-c", "32", "--json"}), text + text);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const Json json = Json::parse(outcome.out);
    EXPECT_GT(json["perplexity"], 1);
    EXPECT_GE(json["chunks"], 2);
    EXPECT_GT(json["tokens"], 0);
}

TEST(Inspect, SaysWhatTheModelIs) {
    const Outcome json_outcome = run_snapkv({"inspect", SNAPKV_TEST_MODEL, "--json"});
    EXPECT_EQ(json_outcome.status, 0) << json_outcome.err;
    const Json json = Json::parse(json_outcome.out);
    EXPECT_EQ(json["architecture"], "llama");
    EXPECT_EQ(json["layers"], 30);
    EXPECT_EQ(json["kv_heads"], 3);
    EXPECT_EQ(json["quantisation"], "Q4_1");
    EXPECT_EQ(json["trained_context"], 8192);
    EXPECT_EQ(json["cache_bytes_per_token"]["f16"], 30 * 3 * 128 * 2);
    EXPECT_EQ(json["estimates"].size(), 8U);
    const Outcome plain = run_snapkv({"inspect", SNAPKV_TEST_MODEL, "--kv-budget", "512"});
    EXPECT_NE(plain.out.find("524,288"), std::string::npos) << plain.out;
    EXPECT_NE(plain.out.find("--kv-budget 512"), std::string::npos) << plain.out;
}

TEST(Inspect, SaysWhatEachLayerSees) {
    ::snapkv::test::TinyModel tiny;  // of three layers
    tiny.change_keys = [](gguf_context * file) {
        gguf_set_val_u32(file, "llama.attention.sliding_window", 64);
        const bool slides[] = {true, false, true};
        gguf_set_arr_data(file, "llama.attention.sliding_window_pattern", GGUF_TYPE_BOOL, slides, 3);
    };
    const ::snapkv::test::TinyModelFile file(tiny);
    const Outcome plain = run_snapkv({"inspect", file.path().string()});
    ASSERT_EQ(plain.status, 0) << plain.err;
    EXPECT_NE(plain.out.find("the last 64 (layers 0, 2)\n"), std::string::npos) << plain.out;
    EXPECT_NE(plain.out.find("everything (layers 1)\n"), std::string::npos) << plain.out;
    const Json json = Json::parse(run_snapkv({"inspect", file.path().string(), "--json"}).out);
    EXPECT_EQ(json["attention"][2]["window"], 64);
    EXPECT_EQ(json["attention"][1]["window"], 0);
    EXPECT_EQ(json["experts"], 0);
    // Of 4,096 tokens two layers hold 64 rows a head and one holds all, or its budget: 2 heads of 16 + 16 elements.
    EXPECT_EQ(json["estimates"][0]["decode_bytes_full"], (2 * 64 + 4096) * 2 * 32 * 2);
    EXPECT_EQ(json["estimates"][0]["decode_bytes_compressed"], (2 * 64 + 1024) * 2 * 32 * 2);
}

TEST(SplitModel, RunsAndIsInspectedAsAWhole) {
    const ::snapkv::test::TinyModelFile whole{::snapkv::test::TinyModel()};
    const ::snapkv::test::SplitModel split(whole.path(), 3);
    const auto printed = [](std::vector<std::string> arguments, const std::filesystem::path & model) {
        arguments.push_back(model.string());
        const Outcome outcome = run_snapkv(arguments);
        EXPECT_EQ(outcome.status, 0) << outcome.err;
        return outcome.out;
    };
    EXPECT_EQ(printed({"inspect", "--json"}, split.first()), printed({"inspect", "--json"}, whole.path()));
    const std::vector<std::string> run{"run", "--raw", "-p", "hello world", "-n", "8", "-m"};
    EXPECT_EQ(printed(run, split.first()), printed(run, whole.path()));
    const Outcome other = run_snapkv({"inspect", split.part(1).string()});
    EXPECT_EQ(other.status, 1);
    EXPECT_NE(other.err.find("pass the first shard, " + split.first().string()), std::string::npos) << other.err;
}

TEST(Policies, AreTheTable) {
    const Outcome listed = run_snapkv({"policies"});
    EXPECT_EQ(listed.status, 0) << listed.err;
    const Json json = Json::parse(run_snapkv({"policies", "--json"}).out);
    ASSERT_EQ(json.size(), named_policies().size());
    for (std::size_t index = 0; index < json.size(); ++index) {
        const NamedPolicy & policy = named_policies()[index];
        EXPECT_EQ(json[index]["name"], policy.name);
        EXPECT_EQ(json[index]["keeps"], policy.keeps);
        EXPECT_EQ(json[index]["evicts_while_generating"], policy.evicts_while_generating);
        EXPECT_NE(("\n" + listed.out).find(fmt::format("\n{}", policy.name)), std::string::npos) << policy.name;
        EXPECT_NE(listed.out.find(policy.source), std::string::npos);
    }
    EXPECT_EQ(json[static_cast<std::size_t>(Policy::H2O)]["source"], "arXiv 2306.14048");
    EXPECT_EQ(json[static_cast<std::size_t>(Policy::H2O)]["voters"], "all tokens");
    EXPECT_EQ(json[static_cast<std::size_t>(Policy::Streaming)]["sink"], 4);
    EXPECT_TRUE(json[static_cast<std::size_t>(Policy::Auto)]["source"].is_null());
    EXPECT_NE(listed.out.find("--kv-evict off"), std::string::npos);
}

TEST(General, HelpVersionAndDocs) {
    EXPECT_EQ(run_snapkv({"--help"}).out, help_text(Command::None));
    EXPECT_EQ(run_snapkv({"run", "-h"}).out, help_text(Command::Run));
    EXPECT_EQ(run_snapkv({"docs"}).out, reference());
    const Outcome version = run_snapkv({"--version"});
    EXPECT_EQ(version.status, 0);
    EXPECT_TRUE(version.out.starts_with("snapkv 0.")) << version.out;
    EXPECT_EQ(run_snapkv({"run", "--version"}).out, version.out);
}

}  // namespace
}  // namespace snapkv::cli::test

// `show`, `perplexity`, `inspect`, `completion`, `docs` and the general options, from end to end.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "docs.h"
#include "folder.h"
#include "help.h"
#include "process.h"

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
    EXPECT_NE(outcome.out.find("of 90 heads"), std::string::npos);
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

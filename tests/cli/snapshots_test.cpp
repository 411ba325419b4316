// `snapkv run --snapshots`: a document that was read once.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "folder.h"
#include "process.h"
#include "run_json.h"
#include "support/contents.h"

namespace snapkv::cli::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

/// About 700 tokens.
std::string diary() {
    std::string text;
    for (int day = 1; day <= 30; ++day) {
        text += fmt::format("Day {}: the wind came from the north and the ship sailed on to port {}.\n", day, day * 37);
    }
    return text;
}

class Snapshots : public ::testing::Test {
protected:
    Folder folder_;
    std::string snapshots_ = folder_.file("snapshots");
    std::string document_ = folder_.file("diary.txt");

    void SetUp() override { std::ofstream(document_) << diary(); }

    [[nodiscard]] std::vector<std::string> asking(const std::vector<std::string> & more) const {
        std::vector<std::string> arguments{"-f", document_,     "-n", "6",  "--kv-budget",
                                           "64", "--kv-window", "16", "-t", "1"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return arguments;
    }
    [[nodiscard]] std::vector<std::string> kept(const std::vector<std::string> & more) const {
        std::vector<std::string> arguments = asking(more);
        arguments.insert(arguments.end(), {"--snapshots", snapshots_});
        return arguments;
    }
    [[nodiscard]] std::vector<std::filesystem::path> files() const {
        std::vector<std::filesystem::path> found;
        for (const auto & entry : std::filesystem::directory_iterator(snapshots_)) {
            found.push_back(entry.path());
        }
        return found;
    }
};

TEST_F(Snapshots, AnswerTheNextQuestionWithoutReadingTheDocumentAgain) {
    const Json first = run_json(kept({"-q", "Where did the ship sail on day 3?"}));
    EXPECT_EQ(first["snapshot_tokens"], 0);
    EXPECT_EQ(files().size(), 1U);
    EXPECT_EQ(std::filesystem::status(snapshots_).permissions(), std::filesystem::perms::owner_all);
    for (const char * question : {"Where did the ship sail on day 3?", "What came from the north?", "Summarise."}) {
        const Json plain = run_json(asking({"-q", question}));
        const Json again = run_json(kept({"-q", question}));
        EXPECT_EQ(again["tokens"], plain["tokens"]);
        EXPECT_EQ(again["kv"]["rows_kept"], plain["kv"]["rows_kept"]);
        EXPECT_GT(again["snapshot_tokens"], 500);
        EXPECT_FALSE(plain.contains("snapshot_tokens"));
    }
    const Json several = run_json(kept({"-q", "Who?", "-q", "What came from the north?"}));
    EXPECT_GT(several["snapshot_tokens"], 500);
    EXPECT_EQ(several["answers"][1]["tokens"], run_json(asking({"-q", "What came from the north?"}))["tokens"]);
    EXPECT_EQ(files().size(), 1U);
}

TEST_F(Snapshots, OfADocumentThatHasGrownAreBuiltUpon) {
    (void)run_json(kept({"-q", "Who?"}));
    std::ofstream(document_, std::ios::app) << diary();
    const Json plain = run_json(asking({"-q", "Who?"}));
    const Json longer = run_json(kept({"-q", "Who?"}));
    EXPECT_GT(longer["snapshot_tokens"], 500);
    EXPECT_EQ(longer["tokens"], plain["tokens"]);
    EXPECT_EQ(files().size(), 2U);
    const Json again = run_json(kept({"-q", "Who?"}));
    EXPECT_GT(again["snapshot_tokens"], 1000);
    EXPECT_EQ(again["tokens"], plain["tokens"]);
}

TEST_F(Snapshots, ThatAreDamagedAreNotUsedAndReplaced) {
    const Json first = run_json(kept({"-q", "Who?"}));
    const std::filesystem::path file = files().front();
    const std::string whole = snapkv::test::contents(file);
    std::string altered = whole;
    altered[altered.size() - 3] = static_cast<char>(altered[altered.size() - 3] ^ 1);
    for (const std::string & damaged : {altered, whole.substr(0, 40), std::string("no snapshot"), std::string()}) {
        std::ofstream(file, std::ios::binary) << damaged;
        std::vector<std::string> arguments = kept({"-q", "Who?", "--json"});
        const Outcome outcome = run(arguments);
        EXPECT_EQ(outcome.status, 0);
        EXPECT_EQ(Json::parse(outcome.out)["tokens"], first["tokens"]);
        EXPECT_EQ(Json::parse(outcome.out)["snapshot_tokens"], 0);
        if (damaged == altered) {
            EXPECT_THAT(outcome.err, HasSubstr("altered"));
            EXPECT_THAT(outcome.err, HasSubstr("begins again without a snapshot"));
        }
        EXPECT_EQ(snapkv::test::contents(file), whole) << "the next run finds a sound one";
    }
}

TEST_F(Snapshots, ThatCannotBeWrittenEndNothing) {
    std::ofstream(snapshots_) << "a file where a folder should be";
    const Outcome outcome = run(kept({"-q", "Who?"}));
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.err, HasSubstr("no snapshot is kept: " + snapshots_));
    EXPECT_THAT(outcome.err, HasSubstr("decode"));
}

TEST_F(Snapshots, AreNotKeptOfWhatIsSoonReadAgain) {
    const Outcome outcome =
        run({"-p", "The sky is blue.", "-q", "What is blue?", "-n", "2", "--snapshots", snapshots_});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_FALSE(std::filesystem::exists(snapshots_));
    const Outcome dry = run(kept({"-q", "Who?", "--dry-run"}));
    EXPECT_EQ(dry.status, 0);
    EXPECT_FALSE(std::filesystem::exists(snapshots_));
}

TEST_F(Snapshots, AreOfOneTypeOfRows) {
    (void)run_json(kept({"-q", "Who?"}));
    EXPECT_GT(run_json(kept({"-q", "Who?", "--kv-type", "q8_0"}))["snapshot_tokens"], 500) << "computed in f16";
    EXPECT_EQ(run_json(kept({"-q", "Who?", "--kv-type", "bf16"}))["snapshot_tokens"], 0);
    EXPECT_EQ(files().size(), 2U);
    EXPECT_GT(run_json(kept({"-q", "Who?", "--kv-type", "bf16"}))["snapshot_tokens"], 500);
}

}  // namespace
}  // namespace snapkv::cli::test

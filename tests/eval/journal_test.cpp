#include "eval/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "snapkv/error.h"
#include "support/contents.h"
#include "support/error_of.h"

namespace snapkv::eval {
namespace {

/// A file name of its own in the temporary folder, removed at the end.
class JournalFile : public testing::Test {
protected:
    JournalFile()
        : path_(std::filesystem::temp_directory_path() /
                ("journal-" + std::to_string(::getpid()) + "-" +
                 testing::UnitTest::GetInstance()->current_test_info()->name() + ".jsonl")) {
        std::filesystem::remove(path_);
    }
    ~JournalFile() override { std::filesystem::remove(path_); }

    [[nodiscard]] std::string text() const { return snapkv::test::contents(path_); }
    void write(const std::string & text) const { std::ofstream(path_, std::ios::binary) << text; }

    /// The message of what opening throws.
    [[nodiscard]] std::string refusal(const Json & heading) const {
        try {
            const Journal journal(path_, heading);
        } catch (const Error & error) {
            return error.what();
        }
        return {};
    }

    std::filesystem::path path_;
    Json heading_{{"settings", {{"task", "needle"}, {"seed", 1}}}, {"build", "one"}};
};

TEST_F(JournalFile, GoesOnWhereItStopped) {
    {
        Journal journal(path_, heading_);
        EXPECT_FALSE(journal.has("a"));
        journal.add({{"key", "a"}, {"score", 0.5}});
        EXPECT_TRUE(journal.has("a"));
    }
    Json other_build = heading_;
    other_build["build"] = "two";
    Journal journal(path_, other_build);
    EXPECT_EQ(journal.heading()["build"], "one");
    EXPECT_TRUE(journal.has("a"));
    EXPECT_FALSE(journal.has("b"));
    journal.add({{"key", "b"}});
    EXPECT_EQ(journal.records().size(), 2U);
    EXPECT_EQ(text(), heading_.dump() + "\n" + R"({"key":"a","score":0.5})" + "\n" + R"({"key":"b"})" + "\n");
}

TEST_F(JournalFile, DropsALineThatWasCutOff) {
    write(heading_.dump() + "\n" + R"({"key":"a"})" + "\n" + R"({"key":"b","sco)");
    Journal journal(path_, heading_);
    EXPECT_TRUE(journal.has("a"));
    EXPECT_FALSE(journal.has("b"));
    journal.add({{"key", "b"}});
    EXPECT_EQ(text(), heading_.dump() + "\n" + R"({"key":"a"})" + "\n" + R"({"key":"b"})" + "\n");
}

TEST_F(JournalFile, BeginsAnewWhereNotEvenTheHeadingIsWhole) {
    write(heading_.dump().substr(0, 10));
    const Journal journal(path_, heading_);
    EXPECT_EQ(text(), heading_.dump() + "\n");
}

TEST_F(JournalFile, LeavesAnotherFileOfOneUnendedLineAlone) {
    for (const std::string other : {"not a heading", "{\"a\": 1}", "x"}) {
        write(other);
        EXPECT_NE(refusal(heading_).find(":1: not a JSON object with the field \"settings\", so"), std::string::npos)
            << other;
        EXPECT_EQ(text(), other);
    }
}

TEST_F(JournalFile, NamesTheMemberOfASettingThatDiffers) {
    heading_["settings"]["SHA-256"] = {{"a.jsonl", "12"}, {"b.jsonl", "34"}};
    Journal(path_, heading_).add({{"key", "a"}});
    Json other = heading_;
    other["settings"]["SHA-256"]["b.jsonl"] = "56";
    EXPECT_NE(refusal(other).find("SHA-256 of b.jsonl was \"34\" and is now \"56\""), std::string::npos)
        << refusal(other);
}

TEST_F(JournalFile, IsNotBoundByARunThatCameToNothing) {
    static_cast<void>(Journal(path_, heading_));
    Json other = heading_;
    other["settings"]["seed"] = 2;
    EXPECT_EQ(refusal(other), "");
    EXPECT_EQ(text(), other.dump() + "\n");
}

TEST_F(JournalFile, RefusesOtherSettingsByName) {
    Journal(path_, heading_).add({{"key", "a"}});
    Json other = heading_;
    other["settings"]["seed"] = 2;
    EXPECT_NE(refusal(other).find("seed was 1 and is now 2"), std::string::npos) << refusal(other);
    other = heading_;
    other["settings"].erase("seed");
    EXPECT_NE(refusal(other).find("seed was 1 and is no longer set"), std::string::npos) << refusal(other);
    other = heading_;
    other["settings"]["depth"] = 5;
    EXPECT_NE(refusal(other).find("depth was not set and is now 5"), std::string::npos) << refusal(other);
}

TEST_F(JournalFile, RefusesWhatIsNoJournal) {
    write("a text\n");
    EXPECT_NE(refusal(heading_).find(":1:"), std::string::npos) << refusal(heading_);
    for (const char * line : {"not JSON", "[1]", "{}", R"({"key":3})"}) {
        write(heading_.dump() + "\n{\"key\":\"a\"}\n" + line + "\n{\"key\":\"b\"}\n");
        EXPECT_NE(refusal(heading_).find(":3:"), std::string::npos) << line;
    }
    path_ = std::filesystem::temp_directory_path() / "no such folder" / "x.jsonl";
    EXPECT_NE(refusal(heading_).find("no such folder"), std::string::npos);
}

TEST_F(JournalFile, HasOneWriterAtATime) {
    const Journal journal(path_, heading_);
    EXPECT_EQ(refusal(heading_), path_.string() + ": in use by another run");
}

TEST_F(JournalFile, TakesFileNamesThatAreNoUtf8) {
    heading_["settings"]["--file"] = {"caf\xE9.txt"};
    heading_["settings"]["SHA-256"] = {{"caf\xE9.txt", "12"}};
    heading_["model"] = "mod\xE8le.gguf";
    Journal(path_, heading_).add({{"key", "a"}});
    EXPECT_NE(text().find("caf\uFFFD.txt"), std::string::npos) << text();
    EXPECT_EQ(refusal(heading_), "");
    Json other = heading_;
    other["settings"]["SHA-256"]["caf\xE9.txt"] = "34";
    EXPECT_NE(refusal(other).find("SHA-256 of caf\uFFFD.txt was \"12\" and is now \"34\""), std::string::npos)
        << refusal(other);
}

TEST_F(JournalFile, RepairsTextThatIsNotUnicode) {
    Journal journal(path_, heading_);
    journal.add({{"key", "a"}, {"text", "bad \xff byte"}});
    EXPECT_NE(text().find("bad \xEF\xBF\xBD byte"), std::string::npos);
}

/// No file may grow beyond a limit while this lives, as on a full disk.
class FullDisk {
public:
    explicit FullDisk(rlim_t most) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{most, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        static_cast<void>(std::signal(SIGXFSZ, handler_));
    }
    FullDisk(const FullDisk &) = delete;
    FullDisk & operator=(const FullDisk &) = delete;

private:
    rlimit before_{};
    void (*handler_)(int) = nullptr;
};

TEST_F(JournalFile, LosesNothingOnAFullDisk) {
    Journal journal(path_, heading_);
    journal.add({{"key", "a"}});
    const std::string whole = text();
    {
        const FullDisk disk(whole.size() + 10);
        EXPECT_THROW(journal.add({{"key", "b"}, {"prediction", "longer than there is room for"}}), Error);
        EXPECT_EQ(text(), whole);
        EXPECT_FALSE(journal.has("b"));
    }
    journal.add({{"key", "b"}});
    EXPECT_EQ(text(), whole + "{\"key\":\"b\"}\n");
}

TEST(JournalThatCannotBeRead, IsNotTakenForAnEmptyOne) {
    // A regular file, by its own account, in which the first page is not mapped.
    EXPECT_EQ(snapkv::test::error_of(ErrorKind::Input,
                                     [] {
                                         Journal("/proc/self/mem", Json{{"settings", Json::object()}});
                                     }),
              "/proc/self/mem: cannot be read: Input/output error");
}

TEST(JournalOnADevice, IsRefused) {
    EXPECT_THROW(Journal("/dev/null", Json{{"settings", Json::object()}}), Error);
}

}  // namespace
}  // namespace snapkv::eval

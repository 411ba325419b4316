#include "base/whole_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "snapkv/error.h"
#include "snapkv/whole_file.h"
#include "support/contents.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

std::span<const std::byte> bytes_of(const std::string & text) {
    return std::as_bytes(std::span(text));
}

/// With a temporary name and without.
class WholeFiles : public testing::TestWithParam<bool> {
protected:
    [[nodiscard]] fs::path at(const char * name) const { return folder_.path() / name; }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const auto & entry : fs::directory_iterator(folder_.path())) {
            names.push_back(entry.path().filename());
        }
        return names;
    }
    [[nodiscard]] WholeFileOptions options(::mode_t mode = 0666, const std::atomic<bool> * stop = nullptr) const {
        return {.mode = mode, .stop = Stop(stop), .nameless = GetParam()};
    }
    void write(const char * name, const std::string & text, ::mode_t mode = 0666) const {
        WholeFile file(at(name), options(mode));
        file.write(bytes_of(text));
        file.commit();
    }
    [[nodiscard]] ::mode_t mode_of(const char * name) const {
        struct stat status {};
        EXPECT_EQ(::stat(at(name).c_str(), &status), 0);
        return status.st_mode & 07777U;
    }

private:
    test::TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(Names, WholeFiles, testing::Bool());

TEST_P(WholeFiles, AppearWithCommitOrNotAtAll) {
    {
        WholeFile file(at("file"), options());
        file.write(bytes_of(std::string(3'000'000, 'x')));
        EXPECT_FALSE(fs::exists(at("file")));
    }
    EXPECT_THAT(names(), IsEmpty());
    write("file", "first");
    write("file", "second");
    EXPECT_EQ(test::contents(at("file")), "second");
    EXPECT_THAT(names(), ElementsAre("file"));
}

TEST_P(WholeFiles, ANewOneHasTheModeAskedForLessTheUmask) {
    const ::mode_t before = ::umask(027);
    write("shared", "x");
    write("private", "x", 0600);
    ::umask(before);
    EXPECT_EQ(mode_of("shared"), 0640U);
    EXPECT_EQ(mode_of("private"), 0600U);
}

TEST_P(WholeFiles, OneThatIsReplacedKeepsItsMode) {
    for (const ::mode_t mode : {0600U, 0640U, 0666U, 0755U}) {
        write("file", "old");
        ASSERT_EQ(::chmod(at("file").c_str(), mode), 0);
        write("file", "new", 0600);
        EXPECT_EQ(mode_of("file"), mode);
        EXPECT_EQ(test::contents(at("file")), "new");
    }
}

TEST_P(WholeFiles, LinksGoOnLeadingToTheirTargets) {
    fs::create_symlink("target", at("link"));
    fs::create_symlink(at("link"), at("link to it"));
    for (const char * text : {"none before", "replaced"}) {
        write("link to it", text);
        EXPECT_TRUE(fs::is_symlink(at("link")));
        EXPECT_TRUE(fs::is_symlink(at("link to it")));
        EXPECT_EQ(test::contents(at("target")), text);
    }
    EXPECT_EQ(names().size(), 3U);
    fs::create_symlink("loop", at("loop"));
    EXPECT_THAT(test::error_of(ErrorKind::Machine, [&] { write("loop", "x"); }),
                StartsWith(at("loop").string() + ": "));
    EXPECT_TRUE(fs::is_symlink(at("loop")));
}

TEST_P(WholeFiles, OneThatMayNotBeWrittenIsNotReplaced) {
    if (::geteuid() == 0) {
        GTEST_SKIP() << "root may write everything";
    }
    write("file", "old");
    ASSERT_EQ(::chmod(at("file").c_str(), 0444), 0);
    EXPECT_EQ(test::error_of(ErrorKind::Machine, [&] { write("file", "new"); }),
              at("file").string() + ": cannot be written: Permission denied");
    EXPECT_EQ(test::contents(at("file")), "old");
}

TEST_P(WholeFiles, AStopBetweenBlocksLeavesTheOldOne) {
    write("file", "old");
    std::atomic<bool> stop{false};
    {
        WholeFile file(at("file"), options(0666, &stop));
        const std::string large(5'000'000, 'x');
        file.write(bytes_of(large));
        stop = true;
        EXPECT_THROW(file.write(bytes_of(large)), WholeFile::Stopped);
    }
    stop = false;
    {
        WholeFile file(at("file"), options(0666, &stop));
        stop = true;
        EXPECT_THROW(file.commit(), WholeFile::Stopped);
    }
    EXPECT_EQ(test::contents(at("file")), "old");
    EXPECT_THAT(names(), ElementsAre("file"));
    WholeFile file(at("file"), options(0666, &stop));  // set before: not looked at
    file.write(bytes_of("new"));
    file.commit();
    EXPECT_EQ(test::contents(at("file")), "new");
}

TEST_P(WholeFiles, NothingIsLeftOfTheUnfinished) {
    const ::pid_t child = ::fork();
    if (child == 0) {
        WholeFile file(at("file"), options());
        file.write(bytes_of(std::string(3'000'000, 'x')));
        remove_temporary_files();
        ::_exit(names().empty() ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_THAT(names(), IsEmpty());
}

TEST_P(WholeFiles, AKilledProcessLeavesATemporaryFileOnlyWhereItNeedsAName) {
    const ::pid_t child = ::fork();
    if (child == 0) {
        WholeFile file(at("file"), options());
        file.write(bytes_of(std::string(3'000'000, 'x')));
        std::raise(SIGKILL);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    const std::vector<std::string> left = names();
    if (GetParam()) {
        const test::TemporaryFolder probe;
        const Descriptor nameless(::open(probe.path().c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
        if (!nameless.valid()) {
            GTEST_SKIP() << "this file system has no files without names";
        }
        EXPECT_THAT(left, IsEmpty());
    } else {
        EXPECT_THAT(left, ElementsAre(StartsWith(".snapkv-")));
    }
}

TEST(WholeFile, IsWrittenPieceByPieceByOthersToo) {
    const test::TemporaryFolder folder;
    const fs::path path = folder.path() / "file";
    {
        WholeFileWriter unfinished(path);
        unfinished.write(bytes_of("lost"));
    }
    EXPECT_TRUE(fs::is_empty(folder.path()));
    const std::string large(1'500'000, 'x');
    WholeFileWriter file(path);
    for (const std::string & piece : {std::string("one"), large, std::string(), std::string("two")}) {
        file.write(bytes_of(piece));
    }
    EXPECT_FALSE(fs::exists(path));
    file.commit();
    EXPECT_EQ(test::contents(path), "one" + large + "two");
    const std::string absent = folder.path() / "none/file";
    EXPECT_EQ(test::error_of(ErrorKind::Machine, [&] { WholeFileWriter writer(absent); }),
              absent + ": cannot be written: No such file or directory");
}

TEST(WholeFile, CanBeAskedForBeforehandWithoutATrace) {
    const test::TemporaryFolder folder;
    check_whole_file(folder.path() / "file");
    EXPECT_TRUE(fs::is_empty(folder.path()));
    const std::string absent = folder.path() / "none/file";
    EXPECT_EQ(test::error_of(ErrorKind::Machine, [&] { check_whole_file(absent); }),
              absent + ": cannot be written: No such file or directory");
    EXPECT_EQ(test::error_of(ErrorKind::Machine, [] { check_whole_file("/dev/null"); }),
              "/dev/null: cannot be written: not a regular file");
}

}  // namespace
}  // namespace snapkv

#include "run/saved_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/raise.h"
#include "support/contents.h"
#include "support/temporary_folder.h"

namespace snapkv::run {
namespace {

namespace fs = std::filesystem;

/// A directory that goes with the object, and all in it.
class Folder {
public:
    [[nodiscard]] fs::path operator/(const char * name) const { return folder_.path() / name; }
    [[nodiscard]] std::vector<std::string> names() const {
        std::vector<std::string> names;
        for (const auto & entry : fs::directory_iterator(folder_.path())) {
            names.push_back(entry.path().filename());
        }
        std::sort(names.begin(), names.end());
        return names;
    }

private:
    snapkv::test::TemporaryFolder folder_;
};

std::span<const std::byte> bytes_of(const std::string & text) {
    return std::as_bytes(std::span(text));
}

std::string contents_of(const fs::path & path) {
    const SavedFile file(path);
    const ByteSource source = file.contents();
    std::string contents(source.size, '\0');
    // Pieces of growing sizes: within the reader's window, across its border, and larger.
    std::size_t size = 1;
    for (std::span<std::byte> left = std::as_writable_bytes(std::span(contents)); !left.empty();) {
        const std::size_t count = std::min(size, left.size());
        source.read(left.first(count));
        left = left.subspan(count);
        size *= 3;
    }
    return contents;
}

void write(const fs::path & path, const std::string & contents) {
    write_saved_file(path, [&](const ByteSink & sink) {
        const std::size_t half = contents.size() / 2;
        sink(bytes_of(contents).first(half));
        sink({});
        sink(bytes_of(contents).subspan(half));
    });
}

template <typename Action>
std::string refusal(ErrorKind kind, const fs::path & path, const Action & action) {
    try {
        action();
    } catch (const Error & error) {
        const std::string message = error.what();
        EXPECT_EQ(error.kind(), kind) << message;
        EXPECT_TRUE(message.starts_with(path.string() + ": ")) << message;
        return message.substr(path.string().size() + 2);
    }
    return "not refused";
}

std::string open_refusal(const fs::path & path) {
    return refusal(ErrorKind::Input, path, [&] { const SavedFile file(path); });
}
std::string check_refusal(const std::string & bytes) {
    const Folder folder;
    std::ofstream(folder / "cache", std::ios::binary) << bytes;
    return open_refusal(folder / "cache");
}
std::string write_refusal(const fs::path & path, const std::string & contents = "new") {
    return refusal(ErrorKind::Machine, path, [&] { write(path, contents); });
}

/// Lets no file grow beyond some bytes, as a full disk would.
class SmallFiles {
public:
    explicit SmallFiles(::rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const ::rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    SmallFiles(const SmallFiles &) = delete;
    SmallFiles & operator=(const SmallFiles &) = delete;
    ~SmallFiles() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    ::rlimit before_{};
    void (*handler_)(int);
};

std::string file_of(const std::string & contents) {
    const Folder folder;
    write(folder / "cache", contents);
    return snapkv::test::contents(folder / "cache");
}

TEST(SavedFile, GivesBackWhatWasWritten) {
    const Folder folder;
    const std::string large(3'000'001, 'x');
    for (const std::string & contents : {std::string(), std::string("few bytes"), large}) {
        write(folder / "cache", contents);
        EXPECT_EQ(snapkv::test::contents(folder / "cache").size(), 32 + contents.size());
        EXPECT_EQ(contents_of(folder / "cache"), contents);
        EXPECT_EQ(folder.names(), std::vector<std::string>{"cache"});
    }
}

TEST(SavedFile, EnvelopeIsAsDocumented) {
    const std::string file = file_of("abc");
    EXPECT_EQ(file.substr(0, 8), "SNAPKV\r\n");
    EXPECT_EQ(file.substr(8, 8), std::string("\7\0\0\0\0\0\0\0", 8));
    EXPECT_EQ(file.substr(16, 8), std::string("\3\0\0\0\0\0\0\0", 8));
    std::uint64_t checksum = 0;
    std::memcpy(&checksum, file.data() + 24, sizeof checksum);
    EXPECT_EQ(checksum, 0x78AF5F94892F3950U) << "XXH3-64 of abc";
    EXPECT_EQ(file.substr(32), "abc");
}

TEST(SavedFile, RefusesWhatIsCut) {
    const std::string file = file_of(std::string(4096, 'y'));
    EXPECT_EQ(check_refusal(file.substr(0, 31)), "cut short: 31 bytes, a saved cache begins with 32");
    EXPECT_EQ(check_refusal(file.substr(0, 132)), "cut short: 100 bytes of contents, expected 4096");
    for (std::size_t part = 1; part < 64; ++part) {
        EXPECT_TRUE(check_refusal(file.substr(0, file.size() * part / 64)).starts_with("cut short: ")) << part;
    }
    EXPECT_EQ(check_refusal(file + "z"), "altered: 4097 bytes of contents, expected 4096");
}

/// By another process, while it is read: an error, where a mapping would be a signal.
TEST(SavedFile, RefusesWhatIsCutOrAlteredWhileItIsRead) {
    const Folder folder;
    const std::string contents(1'000'000, 'y');
    const auto refusal_after = [&](const auto & change) {
        write(folder / "cache", contents);
        const SavedFile file(folder / "cache");
        const ByteSource source = file.contents();
        std::vector<std::byte> half(contents.size() / 2);
        source.read(half);
        change();
        return refusal(ErrorKind::Input, folder / "cache", [&] { source.read(half); });
    };
    EXPECT_EQ(refusal_after([&] { fs::resize_file(folder / "cache", 600'000); }),
              "cut short while it was read, at byte 600000");
    EXPECT_EQ(refusal_after([&] { fs::resize_file(folder / "cache", 0); }),
              "cut short while it was read, at byte 500032");
    EXPECT_EQ(refusal_after([&] {
                  std::fstream(folder / "cache", std::ios::in | std::ios::out | std::ios::binary).seekp(900'000) << 'z';
              }),
              "altered while it was read");
    EXPECT_EQ(refusal_after([] {}), "not refused");
}

TEST(SavedFile, RefusesEveryAlteredByte) {
    const std::string file = file_of(std::string(500, 'y'));
    EXPECT_EQ(check_refusal(file), "not refused");
    for (std::size_t at = 0; at < file.size(); ++at) {
        for (const int bits : {1, 0x80, 0xff}) {
            std::string altered = file;
            altered[at] = static_cast<char>(altered[at] ^ bits);
            EXPECT_NE(check_refusal(altered), "not refused") << at;
        }
    }
}

TEST(SavedFile, RefusesAnotherVersion) {
    std::string file = file_of("abc");
    file[8] = 1;
    EXPECT_EQ(check_refusal(file), "a saved cache of version 1, expected version 8");
}

TEST(SavedFile, RefusesWhatIsNoSavedCache) {
    const Folder folder;
    EXPECT_EQ(open_refusal(folder / "none"), "cannot be opened: No such file or directory");
    EXPECT_EQ(open_refusal(folder / "."), "not a regular file, expected a saved cache");
    std::ofstream(folder / "empty").flush();
    EXPECT_EQ(open_refusal(folder / "empty"), "empty, expected a saved cache");
    std::ofstream(folder / "text") << "GGUF or anything else";
    EXPECT_EQ(open_refusal(folder / "text"), "not a saved cache");
}

TEST(SavedFile, ReplacesWholeFilesOnly) {
    const Folder folder;
    write(folder / "cache", "old");
    write(folder / "cache", "new");
    EXPECT_EQ(contents_of(folder / "cache"), "new");
    EXPECT_EQ(folder.names(), std::vector<std::string>{"cache"});
}

TEST(SavedFile, AFullDiskLeavesTheOldFileAndNothingElse) {
    const Folder folder;
    write(folder / "cache", "old");
    for (const std::size_t size : {std::size_t{10'000}, std::size_t{3'000'000}}) {
        const SmallFiles limit(1000);
        EXPECT_EQ(write_refusal(folder / "cache", std::string(size, 'x')), "cannot be written: File too large");
    }
    EXPECT_EQ(contents_of(folder / "cache"), "old");
    EXPECT_EQ(folder.names(), std::vector<std::string>{"cache"});
}

TEST(SavedFile, AFailureOfTheWriterLeavesTheOldFileAndNothingElse) {
    const Folder folder;
    write(folder / "cache", "old");
    EXPECT_THROW(write_saved_file(folder / "cache",
                                  [](const ByteSink & sink) {
                                      sink(bytes_of("half"));
                                      raise_machine("no more");
                                  }),
                 Error);
    EXPECT_EQ(contents_of(folder / "cache"), "old");
    EXPECT_EQ(folder.names(), std::vector<std::string>{"cache"});
}

TEST(SavedFile, IsItsOwnersAloneUntilTheyShareIt) {
    const Folder folder;
    write(folder / "cache", "old");
    EXPECT_EQ(fs::status(folder / "cache").permissions(), fs::perms::owner_read | fs::perms::owner_write);
    const fs::perms shared = fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read;
    fs::permissions(folder / "cache", shared);
    write(folder / "cache", "new");
    EXPECT_EQ(fs::status(folder / "cache").permissions(), shared);
}

TEST(SavedFile, CanBeStoppedBetweenBlocks) {
    const Folder folder;
    write(folder / "cache", "old");
    std::atomic<bool> stop{false};
    const std::string block(3'000'000, 'x');
    EXPECT_FALSE(write_saved_file(
        folder / "cache",
        [&](const ByteSink & sink) {
            sink(bytes_of(block));
            stop = true;
            sink(bytes_of(block));
            ADD_FAILURE() << "written although it was stopped";
        },
        Stop(&stop)));
    EXPECT_EQ(contents_of(folder / "cache"), "old");
    EXPECT_EQ(folder.names(), std::vector<std::string>{"cache"});
    // What was stopped before can still be saved.
    EXPECT_TRUE(write_saved_file(
        folder / "cache", [&](const ByteSink & sink) { sink(bytes_of("new")); }, Stop(&stop)));
    EXPECT_EQ(contents_of(folder / "cache"), "new");
}

TEST(SavedFile, SaysWhyAPlaceCannotBeWritten) {
    const Folder folder;
    EXPECT_EQ(write_refusal(folder / "none" / "cache"), "cannot be written: No such file or directory");
    write(folder / "file", "old");
    EXPECT_EQ(write_refusal(folder / "file" / "cache"), "cannot be written: Not a directory");
    EXPECT_EQ(write_refusal(folder / "."), "cannot be written: not a regular file");
    EXPECT_EQ(write_refusal("/dev/null"), "cannot be written: not a regular file");
    EXPECT_EQ(contents_of(folder / "file"), "old");
}

TEST(SavedFile, AnUnwritableDirectoryKeepsTheOldFile) {
    if (::geteuid() == 0) {
        GTEST_SKIP() << "nothing is unwritable to root";
    }
    const Folder folder;
    write(folder / "cache", "old");
    fs::permissions(folder / ".", fs::perms::owner_read | fs::perms::owner_exec);
    EXPECT_EQ(write_refusal(folder / "cache"), "cannot be written: Permission denied");
    fs::permissions(folder / ".", fs::perms::owner_all);
    EXPECT_EQ(contents_of(folder / "cache"), "old");
}

TEST(SavedFile, FollowsASymbolicLink) {
    const Folder folder;
    write(folder / "cache", "old");
    fs::create_symlink("cache", folder / "link");
    write(folder / "link", "new");
    EXPECT_TRUE(fs::is_symlink(folder / "link"));
    EXPECT_EQ(contents_of(folder / "cache"), "new");
}

TEST(SavedFile, TakesTheLongestNames) {
    const Folder folder;
    const std::string name(255, 'n');
    write(folder / name.c_str(), "abc");
    EXPECT_EQ(contents_of(folder / name.c_str()), "abc");
}

}  // namespace
}  // namespace snapkv::run

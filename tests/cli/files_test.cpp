// Reading documents and writing results.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "eval/read_file.h"
#include "folder.h"
#include "input.h"
#include "output_file.h"
#include "prompts.h"
#include "snapkv/error.h"
#include "support/error_of.h"

namespace snapkv::cli {
namespace {

template <typename Call>
ErrorKind kind_of(const Call & call) {
    try {
        call();
    } catch (const Error & error) {
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
        return error.kind();
    }
    ADD_FAILURE() << "no error";
    return ErrorKind::Usage;
}

TEST(Input, FilesAreJoinedWithNothingBetween) {
    const test::Folder folder;
    Settings settings;
    // A character may be split between two of them.
    settings.files = {folder.write("a", "one\xC3"), folder.write("b", "\xA9two")};
    EXPECT_EQ(read_document(settings), "one\xC3\xA9two");
    const Document document = read_sources(settings);
    EXPECT_EQ(document.part(0), "one\xC3");
    EXPECT_EQ(document.part(1), "\xA9two");
}

TEST(Input, WhatIsNoUtf8IsFoundInTheFileThatHasIt) {
    const test::Folder folder;
    const auto refusal = [](const std::vector<std::filesystem::path> & files) {
        Settings settings;
        settings.files = files;
        return snapkv::test::error_of(ErrorKind::Input, [&] { (void)read_document(settings); });
    };
    const std::string good = folder.write("good", "caf\xC3\xA9 ");
    const std::string bad = folder.write("bad", "12\xFF");
    const std::string half = folder.write("half", "12\xC3");
    EXPECT_EQ(refusal({good, bad, good}), bad + ": invalid UTF-8: byte 0xFF at offset 2");
    EXPECT_EQ(refusal({bad}), bad + ": invalid UTF-8: byte 0xFF at offset 2");
    EXPECT_EQ(refusal({half, good}), half + ": invalid UTF-8: byte 0xC3 at offset 2");
    EXPECT_EQ(refusal({good, half}), half + ": invalid UTF-8: byte 0xC3 at offset 2");
    Settings typed;
    typed.prompt = "x\x80";
    EXPECT_EQ(snapkv::test::error_of(ErrorKind::Input, [&] { (void)read_document(typed); }),
              "--prompt: invalid UTF-8: byte 0x80 at offset 1");
}

std::string refusal_of(const std::vector<std::filesystem::path> & files, ErrorKind kind = ErrorKind::Input) {
    Settings settings;
    settings.files = files;
    settings.questions = {"What is the clerk's name?"};
    return snapkv::test::error_of(kind, [&] { (void)read_document(settings); });
}

TEST(Input, AnEmptyFileIsNamed) {
    const test::Folder folder;
    const std::string good = folder.write("good", "text");
    const std::string empty = folder.write("empty.txt", "");
    EXPECT_EQ(refusal_of({empty}), empty + ": is empty, expected text");
    EXPECT_EQ(refusal_of({good, empty, good}), empty + ": is empty, expected text");
    EXPECT_EQ(refusal_of({"/dev/null"}), "/dev/null: is empty, expected text");
    const std::string mark = folder.write("mark", "\uFEFF");
    EXPECT_EQ(refusal_of({mark}), mark + ": is empty, expected text");
}

TEST(Input, WhatIsNoTextIsNamed) {
    const test::Folder folder;
    const std::string good = folder.write("good", "text");
    const std::string wide = folder.write("wide", std::string("t\0e\0x\0t\0", 8));
    EXPECT_EQ(refusal_of({good, wide}),
              wide + ": UTF-16LE text, not UTF-8 (convert it with iconv -f UTF-16LE -t UTF-8)");
    const std::string pdf = folder.write("scan.pdf", "%PDF-1.4\n%\xE2\xE3\n");
    EXPECT_EQ(refusal_of({pdf}), pdf + ": a PDF document, not text (extract the text with pdftotext)");
}

TEST(Input, ByteOrderMarksAreDropped) {
    const test::Folder folder;
    Settings settings;
    settings.files = {folder.write("a", "\uFEFFone"), folder.write("b", "\uFEFFtwo")};
    EXPECT_EQ(read_document(settings), "onetwo");
    const std::string bad = folder.write("bad", "\uFEFFx\xFF");
    EXPECT_EQ(refusal_of({bad}), bad + ": invalid UTF-8: byte 0xFF at offset 4");
}

TEST(Input, StandardInputIsReadOnce) {
    EXPECT_EQ(refusal_of({"-", "-"}, ErrorKind::Usage),
              "-f - is given more than once: standard input can be read only once");
}

TEST(Input, AReadThatFailsIsNoEnd) {
    // Its first page is never mapped, so that reading it gives EIO.
    EXPECT_EQ(snapkv::test::error_of(ErrorKind::Input, [] { (void)eval::read_file("/proc/self/mem"); }),
              "/proc/self/mem: cannot be read: Input/output error");
    EXPECT_EQ(snapkv::test::error_of(ErrorKind::Input, [] { (void)eval::read_file("/"); }),
              "/: cannot be read: Is a directory");
}

TEST(Input, PipesAreReadToTheirEnd) {
    const test::Folder folder;
    const std::string pipe = folder.file("pipe");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    const std::string text(200'000, 'x');
    std::thread writer([&] { std::ofstream(pipe, std::ios::binary) << text; });
    EXPECT_EQ(eval::read_file(pipe), text);
    writer.join();
}

TEST(Input, ContradictionsAndMissingFiles) {
    Settings both;
    both.files = {"a"};
    both.prompt = "text";
    EXPECT_EQ(kind_of([&] { (void)read_document(both); }), ErrorKind::Usage);
    EXPECT_EQ(kind_of([] { (void)eval::read_file("/nonexistent/file"); }), ErrorKind::Input);
}

TEST(Output, IsWholeOrNotThere) {
    const test::Folder folder;
    write_file(folder.file("x"), "first");
    write_file(folder.file("x"), "second");
    EXPECT_EQ(test::contents(folder.file("x")), "second");
    EXPECT_EQ(folder.entries(), 1U);
}

TEST(Output, LinksStayLinks) {
    const test::Folder folder;
    std::filesystem::create_symlink(folder.write("target", "old"), folder.file("link"));
    write_file(folder.file("link"), "new");
    EXPECT_TRUE(std::filesystem::is_symlink(folder.file("link")));
    EXPECT_EQ(test::contents(folder.file("target")), "new");
}

TEST(Output, IsCheckedBeforehandWithoutATrace) {
    const test::Folder folder;
    check_writable("--x", folder.file("new"));
    check_writable("--x", {});
    check_writable("--x", "/dev/null");
    EXPECT_EQ(folder.entries(), 0U);
    EXPECT_EQ(kind_of([&] { check_writable("--x", folder.file("no/such")); }), ErrorKind::Machine);
    EXPECT_EQ(kind_of([&] { check_writable("--x", folder.file("")); }), ErrorKind::Machine);
    EXPECT_EQ(kind_of([] { check_replaceable("--x", "/dev/null"); }), ErrorKind::Machine);
    EXPECT_EQ(kind_of([] { write_file("/dev/full", "text"); }), ErrorKind::Machine);
}

TEST(Context, IsTheTrainedOneUnlessToldOtherwise) {
    Settings settings;
    EXPECT_EQ(context_for(settings, 8192, 20000), 8192U);
    settings.allow_long = true;
    EXPECT_EQ(context_for(settings, 8192, 100), 8192U);
    settings.predict = 50;
    EXPECT_EQ(context_for(settings, 8192, 20000), 20050U);
    settings.context = 300;
    EXPECT_EQ(context_for(settings, 8192, 20000), 300U);
}

TEST(Context, HoldsThePromptAndOneTokenMore) {
    Settings settings;
    for (const std::int64_t predict : {-1, 0, 10, 8192}) {
        settings.predict = predict;
        EXPECT_NO_THROW(check_fit(settings, 99, 100));
        EXPECT_EQ(kind_of([&] { check_fit(settings, 100, 100); }), ErrorKind::Input);
    }
}

TEST(Context, RoomForAnAnswerIsWhatWasAskedForOrAQuarter) {
    Settings settings;
    EXPECT_EQ(answer_room(settings, 512), 128U);
    EXPECT_EQ(answer_room(settings, 131072), 1024U);
    EXPECT_EQ(answer_room(settings, 3), 1U);
    settings.predict = 300;
    EXPECT_EQ(answer_room(settings, 512), 300U);
    settings.predict = 0;
    EXPECT_EQ(answer_room(settings, 512), 1U);
}

TEST(Context, ADocumentIsNotCutAwayForItsAnswer) {
    Settings settings;
    const auto room = [&](std::int64_t predict, std::uint32_t context, std::uint64_t around = 20) {
        settings.predict = predict;
        return room_beside_document(settings, context, around);
    };
    EXPECT_EQ(room(-1, 512), 128U);
    EXPECT_EQ(room(0, 512), 1U);
    for (const std::uint32_t predict : {1U, 100U, 256U}) {
        EXPECT_EQ(room(predict, 512), predict);
    }
    EXPECT_EQ(room(257, 512), 128U);
    EXPECT_EQ(room(2048, 2048), 512U);
    EXPECT_EQ(room(1990, 2048), 512U);
    EXPECT_EQ(room(20000, 32768), 1024U);
    // A question that takes most of the context leaves the document a share of the rest.
    EXPECT_EQ(room(-1, 512, 412), 75U);
    EXPECT_EQ(room(200, 512, 412), 75U);
    EXPECT_EQ(room(-1, 512, 512), 1U);
}

TEST(Context, EndsWhatIsGenerated) {
    Settings settings;
    EXPECT_EQ(most_generated(settings, 90, 100), -1);
    settings.predict = 8192;
    EXPECT_EQ(most_generated(settings, 90, 100), 10);
    EXPECT_EQ(most_generated(settings, 101, 100), 0);
    settings.predict = 4;
    EXPECT_EQ(most_generated(settings, 90, 100), 4);
}

}  // namespace
}  // namespace snapkv::cli

// Reading documents and writing results.
#include <gtest/gtest.h>

#include "folder.h"
#include "input.h"
#include "output_file.h"
#include "prompts.h"
#include "snapkv/error.h"

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
    settings.files = {folder.write("a", "one\xFF"), folder.write("b", std::string("\0two", 4))};
    EXPECT_EQ(read_document(settings), std::string("one\xFF\0two", 8));
}

TEST(Input, ContradictionsAndMissingFiles) {
    Settings both;
    both.files = {"a"};
    both.prompt = "text";
    EXPECT_EQ(kind_of([&] { (void)read_document(both); }), ErrorKind::Usage);
    EXPECT_EQ(kind_of([] { (void)read_file("/nonexistent/file"); }), ErrorKind::Input);
    EXPECT_EQ(kind_of([] { (void)read_file("/"); }), ErrorKind::Input);
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

TEST(Context, HoldsThePromptAndAtLeastOneToken) {
    Settings settings;
    settings.predict = 0;
    EXPECT_NO_THROW(check_fit(settings, 99, 100));
    EXPECT_EQ(kind_of([&] { check_fit(settings, 100, 100); }), ErrorKind::Input);
    settings.predict = 10;
    EXPECT_NO_THROW(check_fit(settings, 90, 100));
    EXPECT_EQ(kind_of([&] { check_fit(settings, 91, 100); }), ErrorKind::Input);
}

}  // namespace
}  // namespace snapkv::cli

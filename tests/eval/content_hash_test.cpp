#include "eval/content_hash.h"

#include <gtest/gtest.h>

#include "cli/folder.h"
#include "support/error_of.h"

namespace snapkv::eval {
namespace {

// FIPS 180-2, appendix B.1, and the hash of nothing.
const std::string of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const std::string of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(ContentHash, IsSha256) {
    EXPECT_EQ(content_hash("abc"), of_abc);
    EXPECT_EQ(content_hash(""), of_nothing);
}

TEST(ContentHash, OfAFileIsThatOfItsBytes) {
    const cli::test::Folder folder;
    EXPECT_EQ(file_hash(folder.write("file", "abc")), of_abc);
    EXPECT_EQ(snapkv::test::error_of(ErrorKind::Input, [] { (void)file_hash("/dev/null"); }),
              "/dev/null: not a regular file; experiment data must be readable more than once");
    const std::string absent = folder.file("absent");
    EXPECT_EQ(snapkv::test::error_of(ErrorKind::Input, [&] { (void)file_hash(absent); }),
              absent + ": cannot be opened: No such file or directory");
}

}  // namespace
}  // namespace snapkv::eval

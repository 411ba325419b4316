#pragma once

#include <string>

#include "cli/folder.h"
#include "support/error_of.h"

namespace snapkv::eval::test {

/// A file of lines that is gone at the end of the test.
class LinesFile {
public:
    explicit LinesFile(const std::string & bytes) : path_(folder_.write("lines.jsonl", bytes)) {}

    [[nodiscard]] const std::string & path() const { return path_; }

    /// The message of the Error(Input) that `read` ends with for this file, without the file's path in front.
    template <typename Read>
    [[nodiscard]] std::string error_of(const Read & read) const {
        const std::string message = snapkv::test::error_of(ErrorKind::Input, [&] { (void)read(path_); });
        EXPECT_EQ(message.substr(0, path_.size()), path_) << message;
        return message.substr(path_.size());
    }

private:
    cli::test::Folder folder_;
    std::string path_;
};

}  // namespace snapkv::eval::test

#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "support/contents.h"
#include "support/temporary_folder.h"

namespace snapkv::cli::test {

/// A folder that is gone at the end of the test, for a program's arguments.
class Folder {
public:
    [[nodiscard]] std::string file(const std::string & name) const { return (folder_.path() / name).string(); }
    [[nodiscard]] std::string write(const std::string & name, const std::string & bytes) const {
        std::ofstream(folder_.path() / name, std::ios::binary) << bytes;
        return file(name);
    }
    [[nodiscard]] std::size_t entries() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_.path()), {}));
    }

private:
    snapkv::test::TemporaryFolder folder_;
};

using snapkv::test::contents;

}  // namespace snapkv::cli::test

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "gguf/file.h"
#include "gguf/temporary_file.h"
#include "gguf/writer.h"
#include "snapkv/error.h"

namespace snapkv::test {

/// The message with which `action` refuses the file, one line, without the path that it must begin with.
template <typename Action>
std::string refusal_of_file(const std::filesystem::path & file, const Action & action) {
    try {
        action(file);
    } catch (const Error & error) {
        const std::string message = error.what();
        const std::string path = file.string() + ": ";
        EXPECT_EQ(error.kind(), ErrorKind::Input) << message;
        EXPECT_TRUE(message.starts_with(path)) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        return message.substr(std::min(path.size(), message.size()));
    }
    return "not refused";
}

/// The same of a file of these bytes.
template <typename Action>
std::string refusal_of(const std::string & bytes, const Action & action) {
    return refusal_of_file(TemporaryFile(bytes).path(), action);
}

inline std::string open_refusal(const std::string & bytes) {
    return refusal_of(bytes, [](const std::filesystem::path & path) { gguf::File::open(path); });
}

inline std::string vocabulary_refusal(const Writer & writer) {
    return refusal_of(writer.bytes(),
                      [](const std::filesystem::path & path) { gguf::check_vocabulary(gguf::File::open(path)); });
}

}  // namespace snapkv::test

#pragma once

#include <gtest/gtest.h>

#include <string>

#include "gguf/file.h"
#include "gguf/temporary_file.h"
#include "gguf/writer.h"
#include "snapkv/error.h"

namespace snapkv::test {

/// The message with which `action` refuses the file of these bytes, without the path that it must begin with.
template <typename Action>
std::string refusal_of(const std::string & bytes, const Action & action) {
    const TemporaryFile file(bytes);
    try {
        action(file.path());
    } catch (const Error & error) {
        const std::string message = error.what();
        const std::string path = file.path().string() + ": ";
        EXPECT_EQ(error.kind(), ErrorKind::Input) << message;
        EXPECT_TRUE(message.starts_with(path)) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        return message.substr(path.size());
    }
    return "not refused";
}

inline std::string open_refusal(const std::string & bytes) {
    return refusal_of(bytes, [](const std::filesystem::path & path) { gguf::File::open(path); });
}

inline std::string vocabulary_refusal(const Writer & writer) {
    return refusal_of(writer.bytes(),
                      [](const std::filesystem::path & path) { gguf::check_vocabulary(gguf::File::open(path)); });
}

}  // namespace snapkv::test

#pragma once

#include <gtest/gtest.h>

#include <string>

#include "snapkv/error.h"

namespace snapkv::test {

/// The message of the error that `action` ends with: of the expected kind and one line. Empty where there is none.
template <typename Action>
std::string error_of(ErrorKind kind, const Action & action) {
    try {
        action();
    } catch (const Error & error) {
        std::string message = error.what();
        EXPECT_EQ(error.kind(), kind) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos) << message;
        return message;
    }
    ADD_FAILURE() << "no error was thrown";
    return {};
}

}  // namespace snapkv::test

#pragma once

#include <fmt/core.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "snapkv/error.h"

namespace snapkv::eval {

/// What an error number of the system means, in words.
[[nodiscard]] inline std::string system_text(int number = errno) {
    return std::error_code(number, std::generic_category()).message();
}

/// A request that contradicts itself or asks for what cannot be.
template <typename... Args>
[[noreturn]] void usage_error(fmt::format_string<Args...> format, Args &&... args) {
    throw Error(ErrorKind::Usage, fmt::format(format, std::forward<Args>(args)...));
}

/// A file or text from outside that is not what it should be.
template <typename... Args>
[[noreturn]] void input_error(fmt::format_string<Args...> format, Args &&... args) {
    throw Error(ErrorKind::Input, fmt::format(format, std::forward<Args>(args)...));
}

/// What this machine cannot do.
template <typename... Args>
[[noreturn]] void machine_error(fmt::format_string<Args...> format, Args &&... args) {
    throw Error(ErrorKind::Machine, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace snapkv::eval

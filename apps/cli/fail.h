#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <string>
#include <utility>

#include "snapkv/error.h"

namespace snapkv::cli {

/// Wrong usage: status 2.
template <typename... Args>
[[noreturn]] void usage_error(fmt::format_string<Args...> format, Args &&... args) {
    throw Error(ErrorKind::Usage, fmt::format(format, std::forward<Args>(args)...));
}

/// An input that cannot be used: status 1.
template <typename... Args>
[[noreturn]] void input_error(fmt::format_string<Args...> format, Args &&... args) {
    throw Error(ErrorKind::Input, fmt::format(format, std::forward<Args>(args)...));
}

/// What this machine cannot do: status 1.
template <typename... Args>
[[noreturn]] void machine_error(fmt::format_string<Args...> format, Args &&... args) {
    throw Error(ErrorKind::Machine, fmt::format(format, std::forward<Args>(args)...));
}

/// One line on standard error.
template <typename... Args>
void note(fmt::format_string<Args...> format, Args &&... args) {
    fmt::print(stderr, "snapkv: {}\n", fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void warn(fmt::format_string<Args...> format, Args &&... args) {
    fmt::print(stderr, "snapkv: warning: {}\n", fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace snapkv::cli

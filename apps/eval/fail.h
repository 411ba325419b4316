#pragma once

#include <fmt/core.h>

#include <utility>

#include "snapkv/error.h"

namespace snapkv::eval {

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

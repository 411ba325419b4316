#pragma once

#include <fmt/core.h>

#include <utility>

#include "snapkv/error.h"

namespace snapkv {

/// Throws Error of `kind` with a message in fmt's format: `raise_input("{}: not a GGUF file", path)`.
template <typename... Args>
[[noreturn]] void raise_usage(fmt::format_string<Args...> format, Args &&... args) {
    throw Error(ErrorKind::Usage, fmt::format(format, std::forward<Args>(args)...));
}

/// The same for an option of the caller's that is at fault, a literal: `raise_field("cache.sink", "cache.sink is {}",
/// n)`.
template <typename... Args>
[[noreturn]] void raise_field(const char * field, fmt::format_string<Args...> format, Args &&... args) {
    throw Error(ErrorKind::Usage, fmt::format(format, std::forward<Args>(args)...), field);
}

template <typename... Args>
[[noreturn]] void raise_input(fmt::format_string<Args...> format, Args &&... args) {
    throw Error(ErrorKind::Input, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
[[noreturn]] void raise_machine(fmt::format_string<Args...> format, Args &&... args) {
    throw Error(ErrorKind::Machine, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
[[noreturn]] void raise_interrupted(fmt::format_string<Args...> format, Args &&... args) {
    throw Error(ErrorKind::Interrupted, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace snapkv

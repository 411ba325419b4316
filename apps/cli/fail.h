#pragma once

#include <fmt/core.h>

#include <cstdio>
#include <string>
#include <utility>

#include "eval/fail.h"

namespace snapkv::cli {

using eval::input_error;    // status 1
using eval::machine_error;  // status 1
using eval::usage_error;    // status 2

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

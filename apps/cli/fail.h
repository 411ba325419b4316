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

/// Text on standard error. Where it cannot be written, nobody reads it, and the work goes on.
inline void say(const std::string & text) {
    static_cast<void>(std::fwrite(text.data(), 1, text.size(), stderr));
}

/// One line on standard error.
template <typename... Args>
void note(fmt::format_string<Args...> format, Args &&... args) {
    say(fmt::format("snapkv: {}\n", fmt::format(format, std::forward<Args>(args)...)));
}

template <typename... Args>
void warn(fmt::format_string<Args...> format, Args &&... args) {
    say(fmt::format("snapkv: warning: {}\n", fmt::format(format, std::forward<Args>(args)...)));
}

}  // namespace snapkv::cli

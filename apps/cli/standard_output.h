#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

namespace snapkv::cli {

// Printing throws nothing, so that what is to be saved is saved all the same: the first failure is remembered, what is
// printed after it is dropped, and finish_standard_output() tells of it. For one thread.

void print_text(std::string_view text);

template <typename... Args>
void print(fmt::format_string<Args...> format, Args &&... args) {
    print_text(fmt::format(format, std::forward<Args>(args)...));
}

/// Hands over what was printed so far. False where some of it could not be written.
bool flush_standard_output();

/// Whoever read standard output has closed it, as `head` does. No error to speak of: the program ends with
/// status_broken_pipe and without a word.
struct BrokenPipe {};

/// Flushes. Throws Error(Machine) or BrokenPipe where what was printed could not be written.
void finish_standard_output();

}  // namespace snapkv::cli

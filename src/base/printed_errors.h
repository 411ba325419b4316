#pragma once

#include <string>

namespace snapkv {

/// What is printed to standard error while it lives, in the place of printing it: how some third-party code says what
/// it leaves out. For a child process (in_child.h), where nobody else prints. Throws std::runtime_error where the
/// system has no descriptors left.
class PrintedErrors {
public:
    PrintedErrors();
    PrintedErrors(const PrintedErrors &) = delete;
    PrintedErrors & operator=(const PrintedErrors &) = delete;
    ~PrintedErrors();

    /// The first few kilobytes of it.
    [[nodiscard]] std::string text() const;

private:
    int file_;
    int before_;
};

}  // namespace snapkv

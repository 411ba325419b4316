#pragma once

namespace snapkv::cli {

/// Exit statuses. A run that a signal has ended early has another: see interrupted_status().
inline constexpr int status_ok = 0;
inline constexpr int status_failed = 1;  ///< the input or the machine
inline constexpr int status_usage = 2;
inline constexpr int status_signal = 128;       ///< and the signal's number
inline constexpr int status_broken_pipe = 141;  ///< as if SIGPIPE had ended the program

}  // namespace snapkv::cli

#pragma once

namespace snapkv::cli {

/// Exit statuses.
inline constexpr int status_ok = 0;
inline constexpr int status_failed = 1;  ///< the input or the machine
inline constexpr int status_usage = 2;
inline constexpr int status_interrupted = 130;

}  // namespace snapkv::cli

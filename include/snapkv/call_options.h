#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>

namespace snapkv {

/// How far a call has come.
struct CallProgress {
    std::uint64_t done = 0;  ///< of `total`: what is counted, the call says
    std::uint64_t total = 0;
    double seconds = 0;       ///< since the call began
    double seconds_left = 0;  ///< at the rate so far; 0 at the beginning
    // Of a prefill.
    std::uint32_t layer = 0;  ///< layers finished
    std::uint32_t layers = 0;
    std::uint64_t tokens = 0;  ///< of trunk and branches, each counted once
};

/// What one call obeys and tells, beside the stop flag of its model or session. A call that is stopped, or reaches its
/// deadline, ends within a second, in the way that it says for a stop flag; one that waits for a stream or a disk ends
/// when that lets it.
struct CallOptions {
    std::stop_token stop = {};
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
    /// Called on the caller's thread whenever a part of the work is done: a chunk of tokens, a token, a layer, a piece
    /// of a file. May be null. An exception ends the call.
    std::function<void(const CallProgress &)> progress = {};
};

}  // namespace snapkv

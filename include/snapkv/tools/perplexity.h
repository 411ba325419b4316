#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "snapkv/call_options.h"
#include "snapkv/export.h"
#include "snapkv/session.h"

namespace snapkv {

struct PerplexityResult {
    double perplexity = 0;
    std::uint64_t tokens = 0;  ///< tokens scored
    std::uint32_t chunks = 0;  ///< chunks finished
    bool interrupted = false;
};

/// Perplexity with the full cache over chunks of `context` tokens, scoring the second half of each, as llama.cpp's tool
/// does. `chunk_done` receives the chunks done, the total and the perplexity so far; the call's progress is that of
/// each chunk's prefill. What ends it early, or ends the tokenizer (ModelOptions::stop), leaves the chunks until then.
/// Throws Error(Input) for text that is not UTF-8 or shorter than a chunk, Error(Usage) for a context out of range, and
/// as Session::prefill() does.
[[nodiscard]] SNAPKV_API PerplexityResult perplexity(
    Session & session, std::string_view text, std::uint32_t context,
    const std::function<void(std::uint32_t, std::uint32_t, double)> & chunk_done = {}, const CallOptions & call = {});

}  // namespace snapkv

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "snapkv/cache_config.h"
#include "snapkv/export.h"
#include "snapkv/model.h"

namespace snapkv {

/// What became of a prompt's cache. Rows and bytes sum over layers and KV heads and mean the prompt after its
/// prefill, without what was generated; rows shared with other sequences count in full.
struct CacheStats {
    CacheConfig config;  ///< as asked for; the types those in force
    bool compressed = false;
    std::string reason;        ///< why not, where not compressed
    std::uint32_t budget = 0;  ///< rows a KV head may keep; 0 under Policy::Full
    std::uint32_t window = 0;  ///< what `auto` became; 0 under Policy::Full
    bool window_cuts_question = false;
    std::uint64_t rows_full = 0;
    std::uint64_t rows_kept = 0;
    std::uint64_t bytes_full = 0;
    std::uint64_t bytes_kept = 0;
};

/// [layer][KV head][row]: original positions, ascending.
using KeptPositions = std::vector<std::vector<std::vector<std::uint32_t>>>;

/// One sequence: its tokens, its compressed prompt cache, the rows that came after, and the logits of its last
/// token. Movable; fork() shares the frozen rows. Not to be used from two threads at once; forks are independent.
class SNAPKV_API Sequence {
public:
    Sequence(Sequence &&) noexcept;
    Sequence & operator=(Sequence &&) noexcept;
    ~Sequence();

    /// A second sequence from the same state. Frozen segments are shared, the rows since are copied.
    [[nodiscard]] Sequence fork() const;

    /// All tokens so far, prompt and generated, in order; their number is the next token's position, save for a last
    /// sampled token that has no row yet.
    [[nodiscard]] std::span<const Token> tokens() const;
    [[nodiscard]] std::size_t prompt_tokens() const;
    [[nodiscard]] const CacheStats & cache_stats() const;
    /// The positions that have rows now: kept of the prompt, and all since.
    [[nodiscard]] KeptPositions kept_positions() const;
    /// Logits after the last token that has a row, one a vocabulary entry.
    [[nodiscard]] std::span<const float> logits() const;

    struct Impl;
    explicit Sequence(std::unique_ptr<Impl> impl);
    [[nodiscard]] Impl & impl() { return *impl_; }
    [[nodiscard]] const Impl & impl() const { return *impl_; }

private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace snapkv

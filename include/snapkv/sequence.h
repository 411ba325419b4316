#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "snapkv/cache_config.h"
#include "snapkv/export.h"
#include "snapkv/model.h"
#include "snapkv/position.h"

namespace snapkv {

/// The outcome of compressing a prompt's cache. Rows and bytes are summed over layers and KV heads and cover the prompt
/// after its prefill, not what was generated; rows shared with other sequences count in full.
struct CacheStats {
    CacheConfig config;  ///< as requested, with the types in force; what was left open is below
    bool compressed = false;
    std::string reason;        ///< why not, if not compressed
    std::uint32_t budget = 0;  ///< rows a KV head may keep, on average (of mass: at most); 0 under Policy::Full
    std::uint32_t window = 0;  ///< tokens that voted, `auto` resolved; 0 under Policy::Full and by Evidence::None
    std::uint32_t recent = 0;  ///< last rows kept whatever the vote, `auto` resolved; 0 under Policy::Full
    std::uint32_t sink = 0;    ///< first rows kept whatever the vote, `auto` resolved; 0 under Policy::Full
    Evidence evidence = Evidence::Mean;
    GroupReduce group = GroupReduce::Mean;
    Cluster cluster{};
    Allocation allocation = Allocation::Even;
    bool window_cuts_question = false;
    /// Rows that the heads of attending layers keep, each for itself: the fewest, the median, the most.
    struct RowsPerHead {
        std::uint32_t least = 0;
        std::uint32_t median = 0;
        std::uint32_t most = 0;
    };
    RowsPerHead rows_per_head{};
    std::uint64_t rows_full = 0;
    std::uint64_t rows_kept = 0;
    std::uint64_t bytes_full = 0;
    std::uint64_t bytes_kept = 0;
    bool evicts = false;  ///< it goes on evicting: CacheConfig::evict, settled
    /// Rows that were let go since the prompt, of all layers that do not slide and all KV heads.
    std::uint64_t evicted = 0;
};

/// [layer][KV head][row]: original positions, ascending.
using KeptPositions = std::vector<std::vector<std::vector<Position>>>;

/// A sequence: its tokens, its compressed prompt cache, the rows added since, which may be shrunk too, and the logits
/// of its last token. Movable; fork() shares the frozen rows. Must not be used from two threads at once; forks are
/// independent. Any session of the same model can continue it, but no other; it keeps the model loaded.
class SNAPKV_API Sequence {
public:
    Sequence(Sequence &&) noexcept;
    Sequence & operator=(Sequence &&) noexcept;
    ~Sequence();

    /// A second sequence in the same state. Frozen segments are shared, rows added since are copied, and so are all of
    /// a sequence that goes on evicting.
    [[nodiscard]] Sequence fork() const;

    /// Takes back all tokens from `tokens` on, as if they had never come; the prompt's stay, and so do turns that were
    /// shrunk. Behind the prompt the logits are its own; behind a later token they are void, and that token counts as
    /// sampled and not fed yet: generate() and append() feed it first. Throws Error(Usage) for fewer tokens than the
    /// prompt's, of a sequence that evicts, for no token behind shrunk turns, or more than there are, where layers
    /// recur, and for so few that sliding layers, or a tail with a budget, have let go of what they would see (some 256
    /// tokens can always be taken back, but none before the last time that turns were shrunk).
    void truncate(std::size_t tokens);

    /// All tokens so far, prompt and generated, in order. Their number is the next token's position, unless the last
    /// token was sampled and has no row yet.
    [[nodiscard]] std::span<const Token> tokens() const;
    [[nodiscard]] std::size_t prompt_tokens() const;
    [[nodiscard]] const CacheStats & cache_stats() const;
    /// The positions that have rows: those kept of the prompt and of shrunk turns, and all since but for what sliding
    /// layers and CacheConfig::tail_budget let go of; of a sequence that goes on evicting, those that it holds.
    [[nodiscard]] KeptPositions kept_positions() const;
    /// Logits after the last token that has a row, one per vocabulary entry.
    [[nodiscard]] std::span<const float> logits() const;

    /// How many tokens the tree has that Session::step_tree() left behind the sequence; 0: there is none.
    [[nodiscard]] std::size_t tree_tokens() const;
    /// Logits after a token of the tree, as long as it is there. Throws Error(Usage) for one that there is not.
    [[nodiscard]] std::span<const float> tree_logits(std::size_t token) const;
    /// Gives back the memory of the tree, or of the last one, which otherwise stays for the next.
    void drop_tree();

    struct Impl;

private:
    friend struct Internals;
    explicit Sequence(std::unique_ptr<Impl> impl);

    std::unique_ptr<Impl> impl_;
};

}  // namespace snapkv

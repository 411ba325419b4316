#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "attention/cpu/shares.h"
#include "attention/cpu/tile_steps.h"
#include "attention/unit.h"

namespace snapkv::attention::cpu {

struct ChainView;
struct Partial;
struct Tile;

/// Up to so many rows of a sequence, outside a prefill, each has the bits that it would have alone: steps of decode,
/// the rows that speculation verifies, short turns. With lesser instruction sets fewer: the path of many rows is much
/// faster there.
[[nodiscard]] std::uint32_t few_tokens();

/// Rows that are taken together. Keys and values take turns in pieces of about two pages: with longer ones memory falls
/// behind, as hardware then loses the one stream while it reads the other.
[[nodiscard]] std::uint32_t tile_rows(const kv::LayerShape & shape);

/// Bytes that the rows of a tree's path, with those of the sequence in its tiles, take at most.
[[nodiscard]] std::size_t gathered_bytes(const kv::LayerShape & shape);

/// Attention of one unit, cut into pieces that any number of threads take: many query rows by (span, KV head, block of
/// query rows), few by (span, KV head, block of cache rows at fixed boundaries, block of query rows), whose partial
/// results are merged in a fixed order by whoever finishes the last of them. So the result has the same bits for any
/// number of threads, and nothing waits; of few rows each has the bits that it has alone, and one of a tree those that
/// it has in a chain of its path. prepare(), then attend() once on each thread.
class Attend {
public:
    /// `chunk_rows`: rows of the chunk, padding included. `threads`: at most so many call attend(); how finely the work
    /// is cut follows from it, the result does not. Allocates nothing once its vectors have grown.
    void prepare(const LayerUnit & unit, std::uint32_t chunk_rows, std::uint32_t threads);

    /// Floats of scratch: one region a thread, and the partial results of few query rows.
    [[nodiscard]] std::size_t thread_floats() const;
    [[nodiscard]] std::size_t partial_floats() const { return partial_floats_; }

    /// `q` [row][head][key_size], `out` [row][head][value_size]; `scratch` this thread's region, aligned to 64 bytes.
    void attend(std::uint32_t thread, const float * q, float * out, float * scratch, float * partials);

private:
    /// A block of flattened query rows (see pack_queries) over all rows of the cache.
    struct ManyItem {
        std::uint32_t span = 0;
        std::uint32_t kv_head = 0;
        std::uint32_t first = 0;
        std::uint32_t count = 0;
    };
    /// At most kQueryRows flattened query rows of a (span, KV head) with few, and the partial results to merge.
    struct Few {
        std::uint32_t span = 0;
        std::uint32_t kv_head = 0;
        std::uint32_t first = 0;
        std::uint32_t rows = 0;
        std::uint32_t parts = 0;
        std::uint32_t unfinished = 0;  ///< parts that are; atomic while threads work
        std::size_t partial = 0;       ///< offset of the first partial result; they follow one another
    };
    /// Rows [begin, end) of one of its views.
    struct FewItem {
        std::uint32_t few = 0;
        std::uint32_t part = 0;
        std::uint32_t view = 0;
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
    };

    /// Rows [begin, end) of a view.
    struct Range {
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
    };

    /// How many query rows share a tile: many, but so few that all threads have some.
    [[nodiscard]] std::uint32_t rows_per_block(std::uint32_t threads) const;
    void add_many(std::uint32_t span, std::uint32_t kv_head, std::uint32_t rows, std::uint32_t most);
    void add_few(std::uint32_t span, std::uint32_t kv_head, std::uint32_t rows);
    void find_padding(std::uint32_t chunk_rows);
    [[nodiscard]] std::size_t partial_size(std::uint32_t rows) const;
    /// Packs query rows of a span to the place for them in the scratch.
    const float * pack(const float * q, std::uint32_t span, std::uint32_t kv_head, std::uint32_t first,
                       std::uint32_t count, float * scratch) const;
    void attend_many(const ManyItem & item, const float * q, float * out, float * scratch) const;
    void attend_few(const FewItem & item, const float * queries, float * out, float * scratch, float * partials);
    /// The tiles of these rows of a view in which a tree follows: of each token those of its path, gathered one after
    /// the other in the scratch, as a chain has them.
    void attend_paths(const Few & few, const ChainView & view, const Range & rows, const Tile & tile,
                      const Partial & partial, float * scratch) const;
    void write_few(const Few & few, const Partial & partial, float * out) const;
    void zero_padding(float * out) const;

    const LayerUnit * unit_ = nullptr;
    const TileSteps * steps_ = nullptr;  ///< for many query rows
    std::vector<ManyItem> many_items_;
    std::vector<Few> few_;
    std::vector<FewItem> few_items_;
    std::vector<std::uint32_t> padding_;  ///< chunk rows that no span covers
    std::size_t partial_floats_ = 0;
    std::size_t block_bytes_ = 0;      ///< scratch of the greatest block of many query rows
    std::size_t gathered_floats_ = 0;  ///< scratch for the rows of a tree's path, where there is one
    Shares few_shares_;
    std::atomic<std::size_t> next_many_{0};
};

}  // namespace snapkv::attention::cpu

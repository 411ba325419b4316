#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "attention/unit.h"

namespace snapkv::attention::cpu {

/// Attention of one unit, cut into pieces that any number of threads take: (span, KV head, block of query rows), and
/// for few query rows also by blocks of cache rows at fixed boundaries, merged in a fixed order in a second phase. So
/// the result has the same bits for any number of threads. prepare(), then attend() on all threads, then merge() on
/// all threads with a barrier between.
class Attend {
public:
    /// `chunk_rows`: rows of the chunk, padding included.
    void prepare(const LayerUnit & unit, std::uint32_t chunk_rows);

    /// Floats of scratch: one region a thread, and the partial results of few query rows.
    [[nodiscard]] std::size_t thread_floats() const;
    [[nodiscard]] std::size_t partial_floats() const { return partial_floats_; }

    /// `q` [row][head][key_size], `out` [row][head][value_size]; `scratch` this thread's region, aligned to 64 bytes.
    void attend(const float * q, float * out, float * scratch, float * partials);
    void merge(float * out, const float * partials);

private:
    struct Item {
        std::uint32_t span = 0;
        std::uint32_t kv_head = 0;
        std::uint32_t first = 0;  ///< flattened query rows: see pack_queries
        std::uint32_t count = 0;
        bool few = false;
        std::uint32_t view = 0;  ///< few: the view and its rows [begin, end)
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
        std::size_t partial = 0;  ///< few: offset of the partial result
    };
    /// Few query rows of one (span, KV head): the partial results to merge.
    struct Merge {
        std::uint32_t span = 0;
        std::uint32_t kv_head = 0;
        std::uint32_t rows = 0;
        std::size_t partial = 0;  ///< offset of the first; they follow one another
        std::uint32_t parts = 0;
    };

    void add_many(std::uint32_t span, std::uint32_t kv_head, std::uint32_t rows);
    void add_few(std::uint32_t span, std::uint32_t kv_head, std::uint32_t rows);
    [[nodiscard]] std::size_t partial_size(std::uint32_t rows) const;
    void attend_many(const Item & item, const float * queries, float * out, float * scratch) const;
    void attend_few(const Item & item, const float * queries, float * partial, float * scratch) const;
    void zero_padding(float * out) const;
    void merge_row(const Merge & merge, std::uint32_t i, const float * partials, float * out) const;

    const LayerUnit * unit_ = nullptr;
    std::vector<Item> items_;
    std::vector<Merge> merges_;
    std::vector<std::uint32_t> padding_;  ///< chunk rows that no span covers
    std::size_t partial_floats_ = 0;
    std::atomic<std::size_t> next_item_{0};
    std::atomic<std::size_t> next_merge_{0};
};

}  // namespace snapkv::attention::cpu

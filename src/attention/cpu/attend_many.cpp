#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "attention/cpu/attend.h"
#include "attention/cpu/row_block.h"

namespace snapkv::attention::cpu {

namespace {

/// Query rows that share a tile: at this many its packing takes a few hundredths of the time.
constexpr std::uint32_t kMostRows = 8 * kStripRows;
/// Pieces of work that each thread should find.
constexpr std::uint64_t kItemsPerThread = 4;

}  // namespace

std::uint32_t Attend::rows_per_block(std::uint32_t threads) const {
    std::uint64_t rows = 0;
    for (const QuerySpan & span : unit_->queries) {
        rows += std::uint64_t{span.count} * unit_->spec.heads;
    }
    const std::uint64_t wanted = rows / (kItemsPerThread * std::max(threads, 1U));
    return std::clamp(static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, kMostRows)) / kStripRows * kStripRows,
                      kStripRows, kMostRows);
}

void Attend::add_many(std::uint32_t span, std::uint32_t kv_head, std::uint32_t rows, std::uint32_t most) {
    for (std::uint32_t first = 0; first < rows; first += most) {
        const std::uint32_t count = std::min(most, rows - first);
        many_items_.push_back({.span = span, .kv_head = kv_head, .first = first, .count = count});
        block_bytes_ = std::max(block_bytes_, row_block_bytes(*steps_, *unit_, count));
    }
}

void Attend::attend_many(const ManyItem & item, const float * q, float * out, float * scratch) const {
    const QuerySpan & span = unit_->queries[item.span];
    attend_block(*steps_, *unit_, span, {item.kv_head, item.first, item.count},
                 q + std::size_t{span.row} * unit_->spec.heads * unit_->spec.key_size, out,
                 reinterpret_cast<std::byte *>(scratch));
}

}  // namespace snapkv::attention::cpu

#include "attention/vote.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "attention/cpu/tile_kernel.h"
#include "attention/cpu/queries.h"

namespace snapkv::attention {

namespace {

constexpr std::uint32_t kPieceRows = 1024;
constexpr float kNegativeInfinity = -std::numeric_limits<float>::infinity();

/// Scratch of one thread: a block of queries, its logits against a tile, and the kernel's own.
std::size_t scratch_floats(const AttentionSpec & spec) {
    return cpu::kQueryRows * cpu::padded(spec.key_size) + std::size_t{cpu::kQueryRows} * cpu::kTile +
           cpu::tile_floats(spec);
}

}  // namespace

Vote::Vote(VoteInput input, std::span<float> votes)
    : input_(std::move(input)),
      votes_(votes),
      query_rows_(input_.window * input_.spec.group()),
      head_pieces_(input_.spec.kv_heads),
      sums_(input_.spec.kv_heads) {
    for (std::uint32_t head = 0; head < input_.spec.kv_heads; ++head) {
        const auto & views = input_.rows[head];
        for (std::uint32_t view = 0; view < views.size(); ++view) {
            for (std::uint32_t begin = 0; begin < views[view].rows; begin += kPieceRows) {
                const std::uint32_t end = std::min(begin + kPieceRows, views[view].rows);
                pieces_.push_back({head, view, begin, end, head_pieces_[head]++});
            }
        }
        sums_[head].resize(std::size_t{head_pieces_[head]} * query_rows_);
    }
}

/// Calls body(first query row, query rows, first cache row, tile rows, logits [query row][kTile]) for every tile of
/// the piece and every block of query rows.
template <typename Body>
void Vote::for_tiles(const Piece & piece, float * scratch, const Body & body) const {
    const AttentionSpec & spec = input_.spec;
    const kv::HeadRows & view = input_.rows[piece.kv_head][piece.view];
    float * queries = scratch;
    float * logits = queries + cpu::kQueryRows * cpu::padded(spec.key_size);
    float * rest = logits + std::size_t{cpu::kQueryRows} * cpu::kTile;
    std::array<std::uint32_t, cpu::kQueryRows> begin{};
    std::array<std::uint32_t, cpu::kQueryRows> end{};
    for (std::uint32_t first = 0; first < query_rows_; first += cpu::kQueryRows) {
        const std::uint32_t count = std::min(cpu::kQueryRows, query_rows_ - first);
        cpu::pack_queries(spec, input_.queries, piece.kv_head, first, count, queries);
        for (std::uint32_t row = piece.begin; row < piece.end; row += cpu::kTile) {
            if (input_.stop != nullptr && input_.stop->load(std::memory_order_relaxed)) {
                return;
            }
            const std::uint32_t rows = std::min(cpu::kTile, piece.end - row);
            for (std::uint32_t q = 0; q < count; ++q) {
                const std::uint32_t position = input_.n - input_.window + (first + q) / spec.group();
                const bool cut = spec.sliding_window > 0 && position >= spec.sliding_window;
                const std::uint32_t from = cut ? view.count_up_to(Position{position - spec.sliding_window}) : 0;
                begin[q] = std::clamp(from, row, row + rows) - row;
                end[q] = std::clamp(view.count_up_to(Position{position}), row, row + rows) - row;
            }
            const cpu::Tile tile{.spec = &spec,
                                 .type = input_.shape.type,
                                 .keys = view.keys + row * input_.shape.key_bytes(),
                                 .rows = rows,
                                 .queries = queries,
                                 .query_rows = count,
                                 .begin = begin.data(),
                                 .end = end.data()};
            cpu::tile_logits(tile, logits, rest);
            body(first, count, row, rows, logits);
        }
    }
}

void Vote::statistics() {
    std::vector<float> scratch(scratch_floats(input_.spec));
    for (std::size_t index = next_statistics_++; index < pieces_.size(); index = next_statistics_++) {
        const Piece & piece = pieces_[index];
        RowSum * sums = sums_[piece.kv_head].data() + std::size_t{piece.index} * query_rows_;
        std::fill_n(sums, query_rows_, RowSum{kNegativeInfinity, 0});
        for_tiles(piece, scratch.data(),
                  [&](std::uint32_t first, std::uint32_t count, std::uint32_t, std::uint32_t, const float * logits) {
                      for (std::uint32_t q = 0; q < count; ++q) {
                          const float * row = logits + std::size_t{q} * cpu::kTile;
                          RowSum & total = sums[first + q];
                          const float maximum = std::max(total.maximum, cpu::maximum_of(row, cpu::kTile));
                          if (maximum == kNegativeInfinity) {
                              continue;
                          }
                          const float rescale = std::exp(total.maximum - maximum);
                          total = {maximum, total.sum * rescale + cpu::exp_sum(row, cpu::kTile, maximum)};
                      }
                  });
    }
}

std::vector<Vote::RowSum> Vote::totals(std::uint32_t kv_head) const {
    std::vector<RowSum> totals(query_rows_, RowSum{kNegativeInfinity, 0});
    for (std::uint32_t q = 0; q < query_rows_; ++q) {
        RowSum & total = totals[q];
        for (std::uint32_t piece = 0; piece < head_pieces_[kv_head]; ++piece) {
            total.maximum = std::max(total.maximum, sums_[kv_head][std::size_t{piece} * query_rows_ + q].maximum);
        }
        for (std::uint32_t piece = 0; piece < head_pieces_[kv_head]; ++piece) {
            const RowSum & part = sums_[kv_head][std::size_t{piece} * query_rows_ + q];
            total.sum += part.sum * std::exp(part.maximum - total.maximum);
        }
    }
    return totals;
}

void Vote::columns() {
    const std::uint32_t group = input_.spec.group();
    const std::uint32_t prefix = input_.n - input_.window;
    std::vector<float> scratch(scratch_floats(input_.spec));
    std::vector<float> sums(std::size_t{group} * kPieceRows);
    std::vector<RowSum> totals_of_head;
    std::uint32_t head = std::numeric_limits<std::uint32_t>::max();
    for (std::size_t index = next_columns_++; index < pieces_.size(); index = next_columns_++) {
        const Piece & piece = pieces_[index];
        if (piece.kv_head != head) {
            head = piece.kv_head;
            totals_of_head = totals(head);
        }
        std::fill(sums.begin(), sums.end(), 0.0F);
        for_tiles(
            piece, scratch.data(),
            [&](std::uint32_t first, std::uint32_t count, std::uint32_t row, std::uint32_t, const float * logits) {
                for (std::uint32_t q = 0; q < count; ++q) {
                    const RowSum & total = totals_of_head[first + q];
                    const float share = 1.0F / (total.sum * static_cast<float>(input_.window));
                    float * to = sums.data() + std::size_t{(first + q) % group} * kPieceRows + row - piece.begin;
                    cpu::add_probabilities(logits + std::size_t{q} * cpu::kTile, cpu::kTile, total.maximum, share, to);
                }
            });
        const kv::HeadRows & view = input_.rows[head][piece.view];
        for (std::uint32_t row = piece.begin; row < piece.end; ++row) {
            const std::uint32_t position = index_of(view.position(row));
            for (std::uint32_t g = 0; g < group && position < prefix; ++g) {
                votes_[(std::size_t{head} * group + g) * prefix + position] =
                    sums[g * std::size_t{kPieceRows} + row - piece.begin];
            }
        }
    }
}

std::uint64_t vote_bytes(const AttentionSpec & spec, std::uint32_t n, std::uint32_t window) {
    const std::uint64_t votes = std::uint64_t{spec.heads} * (n - window) * sizeof(float);
    const std::uint64_t pieces = n / kPieceRows + 2;  // of a trunk and a suffix, each with a piece that is not full
    return votes + pieces * window * spec.heads * 2 * sizeof(float);
}

}  // namespace snapkv::attention

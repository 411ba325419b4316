#include "attention/vote.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "attention/cpu/adjust.h"
#include "attention/cpu/tile.h"
#include "attention/cpu/tile_steps.h"
#include "attention/cpu/vote_kernel.h"
#include "attention/output_change.h"
#include "kv/anchor.h"

namespace snapkv::attention {

namespace {

/// A multiple of the tile, whose packing all query rows of the window share.
constexpr std::uint32_t kPieceRows = 768;
static_assert(kv::kAnchorRows % kPieceRows == 0);
constexpr std::size_t kLineBytes = 64;

/// What Evidence::Recency divides the weights of the voter by that is `from_end`-th from the end, 1 the last. Without
/// the addend the last few would decide alone, and of a long question only its end be heard; with a much larger one all
/// count alike (docs/results.md, "Clusters and voters").
float recency_divisor(std::uint32_t from_end) {
    constexpr std::uint32_t kAddend = 12;
    return static_cast<float>(from_end + kAddend);
}

/// Where in `memory` a multiple of 64 bytes is.
float * aligned(std::vector<float> & memory) {
    void * at = memory.data();
    std::size_t space = memory.size() * sizeof(float);
    return static_cast<float *>(std::align(kLineBytes, sizeof(float), at, space));
}

}  // namespace

Vote::Vote(VoteInput input, std::span<float> votes)
    : input_(std::move(input)),
      votes_(votes),
      query_rows_(input_.window * input_.spec.group()),
      head_pieces_(input_.spec.kv_heads),
      sums_(input_.spec.kv_heads) {
    assert(input_.evidence != Evidence::Accumulated && input_.evidence != Evidence::None &&
           input_.evidence != Evidence::Keys && input_.evidence != Evidence::Output);
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
    if (input_.evidence == Evidence::Recency) {
        float together = 0;
        for (std::uint32_t voters = 1; voters <= input_.window; ++voters) {
            together += 1.0F / recency_divisor(voters);
            shares_.push_back(together);
        }
    }
    if (input_.evidence == Evidence::Pivotal) {
        count_seen();
    }
}

void Vote::count_seen() {
    const std::uint32_t slides = input_.spec.sliding_window;
    for (std::uint32_t head = 0; head < input_.spec.kv_heads; ++head) {
        for (std::uint32_t at = input_.n - input_.window; at < input_.n; ++at) {
            std::uint32_t seen = 0;
            for (const kv::HeadRows & view : input_.rows[head]) {
                seen += view.count_up_to(Position{at});
                seen -= slides > 0 && at >= slides ? view.count_up_to(Position{at - slides}) : 0;
            }
            seen_.push_back(seen);
        }
    }
}

/// One thread's work on pieces, which come KV head by KV head.
class Vote::Worker {
public:
    explicit Worker(const Vote & vote)
        : vote_(vote),
          spec_(vote.input_.spec),
          steps_(cpu::f32_steps()),
          rows_((vote.query_rows_ + steps_.row_step - 1) / steps_.row_step * steps_.row_step),
          depth_(cpu::padded(spec_.key_size)),
          packed_queries_(rows_ * depth_ + kLineBytes),
          packed_keys_(steps_.tile * depth_ + kLineBytes),
          logits_(std::size_t{cpu::kStripRows} * steps_.tile + kLineBytes),
          positions_(steps_.tile),
          reference_(rows_),
          part_sums_(std::size_t{rows_} * cpu::kSumParts) {}

    /// The softmax of each query row over the piece.
    void sum(const Piece & piece, RowSum * sums) {
        std::fill(reference_.begin(), reference_.end(), cpu::kNothingSeen);
        std::fill(part_sums_.begin(), part_sums_.end(), 0.0F);
        for_strips(piece, [&](const cpu::Strip & strip, std::uint32_t, std::uint32_t) { steps_.weigh(strip); });
        for (std::uint32_t q = 0; q < vote_.query_rows_; ++q) {
            const float * parts = part_sums_.data() + std::size_t{q} * cpu::kSumParts;
            sums[q] = {reference_[q], std::accumulate(parts, parts + cpu::kSumParts, 0.0F)};
        }
    }

    /// Gathers each query row's weights over the piece in columns [rank][group][kPieceRows].
    void gather(const Piece & piece, const std::vector<RowSum> & totals, float * columns) {
        for_strips(piece, [&](const cpu::Strip & strip, std::uint32_t first, std::uint32_t row) {
            for (std::uint32_t i = 0; i < std::min(strip.rows, vote_.query_rows_ - first); ++i) {
                const RowSum & total = totals[first + i];
                const std::size_t head = (first + i) % spec_.group();
                float * logits = strip.logits + std::size_t{i} * steps_.tile;
                const std::uint32_t begin = std::clamp(strip.begin[i], strip.first, strip.last);
                const std::uint32_t end = std::clamp(strip.end[i], begin, strip.last);
                std::fill(logits + strip.first, logits + begin, cpu::kNothingSeen);
                std::fill(logits + end, logits + strip.last, cpu::kNothingSeen);
                gather(logits + strip.first, strip.last - strip.first, total, (first + i) / spec_.group(),
                       columns + head * kPieceRows + row - piece.begin + strip.first);
            }
        });
    }

private:
    void gather(const float * logits, std::size_t count, const RowSum & total, std::uint32_t voter,
                float * columns) const {
        const float share = 1.0F / total.sum;
        switch (vote_.input_.evidence) {
            case Evidence::Mean:
            case Evidence::Values:
                cpu::add_weights(logits, count, total.reference,
                                 1.0F / (total.sum * static_cast<float>(vote_.input_.window)), columns);
                break;
            case Evidence::Recency:
                cpu::add_weights(logits, count, total.reference,
                                 1.0F / (total.sum * recency_divisor(vote_.input_.window - voter)), columns);
                break;
            case Evidence::Rms:
                cpu::add_squares(logits, count, total.reference, share, columns);
                break;
            case Evidence::Top4:
            case Evidence::Max:
            case Evidence::MaxFloor:
                cpu::raise_largest(logits, count, total.reference, share, vote_.ranks(),
                                   std::size_t{spec_.group()} * kPieceRows, columns);
                break;
            case Evidence::Pivotal: {
                const std::uint32_t seen = vote_.seen_[std::size_t{packed_head_} * vote_.input_.window + voter];
                cpu::count_weights(logits, count, total.reference, share, 1.0F / static_cast<float>(seen),
                                   std::size_t{spec_.group()} * kPieceRows, columns);
                break;
            }
            case Evidence::Accumulated:
            case Evidence::None:
            case Evidence::Keys:
            case Evidence::Output:
                break;
        }
    }

    /// Calls body(strip with its logits, first query row, tile's first cache row) for all tiles and query rows.
    template <typename Body>
    void for_strips(const Piece & piece, const Body & body) {
        pack_queries(piece.kv_head);
        const VoteInput & input = vote_.input_;
        const kv::HeadRows & view = input.rows[piece.kv_head][piece.view];
        for (std::uint32_t row = piece.begin; row < piece.end; row += steps_.tile) {
            if (input.halt != nullptr && input.halt->stopped()) {
                return;
            }
            const std::uint32_t rows = std::min(steps_.tile, piece.end - row);
            auto * keys = reinterpret_cast<std::byte *>(aligned(packed_keys_));
            const std::size_t stride = input.shape.key_bytes();
            steps_.pack_keys({view.keys + row * stride, rows, spec_.key_size, input.shape.type.key, stride}, keys);
            for (std::uint32_t i = 0; i < rows && !spec_.alibi_slopes.empty(); ++i) {
                positions_[i] = static_cast<float>(index_of(view.position(row + i)));
            }
            for (std::uint32_t first = 0; first < rows_; first += cpu::kStripRows) {
                const cpu::Strip strip = see(view, row, rows, first);
                if (strip.first < strip.last) {
                    steps_.logits(strip, keys, spec_.key_size);
                    adjust(strip, first);
                    body(strip, first, row);
                }
            }
        }
    }

    void pack_queries(std::uint32_t kv_head) {
        if (kv_head == packed_head_) {
            return;
        }
        packed_head_ = kv_head;
        const std::uint32_t group = spec_.group();
        float * packed = aligned(packed_queries_);
        std::fill_n(packed, rows_ * depth_, 0.0F);
        for (std::uint32_t q = 0; q < vote_.query_rows_; ++q) {
            const std::size_t head = std::size_t{kv_head} * group + q % group;
            const float * from = vote_.input_.queries + (std::size_t{q / group} * spec_.heads + head) * spec_.key_size;
            steps_.pack_query(from, spec_.key_size, cpu::query_factor(spec_),
                              reinterpret_cast<std::byte *>(packed + q * depth_));
        }
    }

    [[nodiscard]] std::uint32_t position(std::uint32_t query_row) const {
        return vote_.input_.n - vote_.input_.window + query_row / spec_.group();
    }

    /// The strip from query row `first` on over the view's rows [row, row + rows), and what it sees of them.
    [[nodiscard]] cpu::Strip see(const kv::HeadRows & view, std::uint32_t row, std::uint32_t rows,
                                 std::uint32_t first) {
        begin_.fill(0);
        end_.fill(0);
        std::uint32_t least = rows;
        std::uint32_t most = 0;
        const std::uint32_t count = std::min(cpu::kStripRows, rows_ - first);
        for (std::uint32_t i = 0; i < std::min(count, vote_.query_rows_ - first); ++i) {
            const std::uint32_t at = position(first + i);
            const bool cut = spec_.sliding_window > 0 && at >= spec_.sliding_window;
            const std::uint32_t from = cut ? view.count_up_to(Position{at - spec_.sliding_window}) : 0;
            begin_[i] = std::clamp(from, row, row + rows) - row;
            end_[i] = std::clamp(view.count_up_to(Position{at}), row, row + rows) - row;
            if (begin_[i] < end_[i]) {
                least = std::min(least, begin_[i]);
                most = std::max(most, end_[i]);
            }
        }
        return {.queries = reinterpret_cast<const std::byte *>(aligned(packed_queries_) + first * depth_),
                .rows = count,
                .first = least / steps_.panel * steps_.panel,
                .last = (most + steps_.panel - 1) / steps_.panel * steps_.panel,
                .begin = begin_.data(),
                .end = end_.data(),
                .logits = aligned(logits_),
                .reference = reference_.data() + first,
                .sums = part_sums_.data() + std::size_t{first} * cpu::kSumParts};
    }

    void adjust(const cpu::Strip & strip, std::uint32_t first) const {
        for (std::uint32_t i = 0; i < std::min(strip.rows, vote_.query_rows_ - first); ++i) {
            const std::uint32_t head = packed_head_ * spec_.group() + (first + i) % spec_.group();
            cpu::adjust_logits(spec_, head, position(first + i), positions_.data() + strip.first,
                               strip.logits + std::size_t{i} * steps_.tile + strip.first, strip.last - strip.first);
        }
    }

    const Vote & vote_;
    const AttentionSpec & spec_;
    const cpu::TileSteps & steps_;
    std::uint32_t rows_;  ///< query rows, padding included
    std::size_t depth_;
    std::uint32_t packed_head_ = std::numeric_limits<std::uint32_t>::max();
    std::vector<float> packed_queries_;
    std::vector<float> packed_keys_;
    std::vector<float> logits_;
    std::vector<float> positions_;
    std::vector<float> reference_;
    std::vector<float> part_sums_;
    std::array<std::uint32_t, cpu::kStripRows> begin_{};
    std::array<std::uint32_t, cpu::kStripRows> end_{};
};

void Vote::statistics() {
    Worker worker(*this);
    for (std::size_t index = next_statistics_++; index < pieces_.size(); index = next_statistics_++) {
        const Piece & piece = pieces_[index];
        worker.sum(piece, sums_[piece.kv_head].data() + std::size_t{piece.index} * query_rows_);
    }
}

std::vector<RowSum> Vote::totals(std::uint32_t kv_head) const {
    std::vector<RowSum> totals(query_rows_);
    for (std::uint32_t q = 0; q < query_rows_; ++q) {
        RowSum & total = totals[q];
        for (std::uint32_t piece = 0; piece < head_pieces_[kv_head]; ++piece) {
            total.reference = std::max(total.reference, sums_[kv_head][std::size_t{piece} * query_rows_ + q].reference);
        }
        for (std::uint32_t piece = 0; piece < head_pieces_[kv_head]; ++piece) {
            const RowSum & part = sums_[kv_head][std::size_t{piece} * query_rows_ + q];
            total.sum += part.sum * std::exp2(part.reference - total.reference);
        }
        total.sum +=
            cpu::sink_share(input_.spec, kv_head * input_.spec.group() + q % input_.spec.group(), total.reference);
    }
    return totals;
}

float Vote::evidence(std::uint32_t position, const float * gathered, std::size_t stride) const {
    const std::uint32_t seen_by = std::min(input_.window, input_.n - position);
    switch (input_.evidence) {
        case Evidence::Mean:  // a share of all voters, so far
        case Evidence::Values:
            return seen_by == input_.window
                       ? *gathered
                       : *gathered * static_cast<float>(input_.window) / static_cast<float>(seen_by);
        case Evidence::Recency:
            return *gathered / shares_[seen_by - 1];
        case Evidence::Rms:
            return std::sqrt(*gathered / static_cast<float>(seen_by));
        case Evidence::Top4: {
            const std::uint32_t count = std::min(ranks(), seen_by);
            float sum = 0;
            for (std::uint32_t rank = 0; rank < count; ++rank) {
                sum += gathered[rank * stride];
            }
            return sum / static_cast<float>(count);
        }
        case Evidence::Pivotal:  // those that cannot see it do not count against it
            return *gathered + static_cast<float>(input_.window - seen_by);
        case Evidence::Max:
        case Evidence::MaxFloor:
        case Evidence::Accumulated:
        case Evidence::None:
        case Evidence::Keys:
        case Evidence::Output:
            break;
    }
    return *gathered;
}

void Vote::columns() {
    const std::uint32_t group = input_.spec.group();
    Worker worker(*this);
    const std::size_t stride = std::size_t{group} * kPieceRows;
    std::vector<float> gathered(ranks() * stride);
    std::vector<RowSum> totals_of_head;
    std::uint32_t head = std::numeric_limits<std::uint32_t>::max();
    for (std::size_t index = next_columns_++; index < pieces_.size(); index = next_columns_++) {
        const Piece & piece = pieces_[index];
        if (piece.kv_head != head) {
            head = piece.kv_head;
            totals_of_head = totals(head);
        }
        std::fill(gathered.begin(), gathered.end(), 0.0F);
        worker.gather(piece, totals_of_head, gathered.data());
        const kv::HeadRows & view = input_.rows[head][piece.view];
        for (std::uint32_t row = piece.begin; row < piece.end; ++row) {
            const std::uint32_t position = index_of(view.position(row));
            if (position < input_.first || position - input_.first >= input_.prefix) {
                continue;
            }
            for (std::uint32_t g = 0; g < group; ++g) {
                const float * of_row = gathered.data() + g * std::size_t{kPieceRows} + row - piece.begin;
                const std::size_t at = (std::size_t{head} * group + g) * input_.prefix + position - input_.first;
                votes_[at] = evidence(position, of_row, stride);
                if (input_.evidence == Evidence::Pivotal) {
                    votes_[votes_.size() / 2 + at] = of_row[stride];
                }
            }
        }
    }
}

void Vote::finish(std::uint32_t kv_head) {
    if (input_.evidence != Evidence::MaxFloor) {
        return;
    }
    for (std::uint32_t g = 0; g < input_.spec.group(); ++g) {
        const std::span<float> of_head =
            votes_.subspan((std::size_t{kv_head} * input_.spec.group() + g) * input_.prefix, input_.prefix);
        const double sum = std::accumulate(of_head.begin(), of_head.end(), 0.0);
        const auto floor = static_cast<float>(sum / input_.prefix);
        for (float & vote : of_head) {
            vote = std::max(vote, floor);
        }
    }
}

std::uint64_t vote_bytes(const AttentionSpec & spec, std::uint32_t n, std::uint32_t prefix, std::uint32_t window,
                         Evidence evidence) {
    const std::uint64_t votes = std::uint64_t{spec.heads} * prefix * vote_planes(evidence) * sizeof(float);
    if (evidence == Evidence::Output) {
        return votes + std::uint64_t{spec.kv_heads} * output_change_floats(n) * sizeof(float);
    }
    const std::uint64_t pieces = (n + kPieceRows - 1) / kPieceRows;
    return votes + pieces * window * spec.heads * 2 * sizeof(float);
}

}  // namespace snapkv::attention

#include "attention/output_change.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "attention/cpu/adjust.h"
#include "attention/cpu/vote_kernel.h"
#include "kv/rotate.h"
#include "kv/row_codec.h"

namespace snapkv::attention {
namespace {

/// Query rows that are taken together, one in each lane of a vector, and whose logits are at hand.
constexpr std::uint32_t kTogether = 16;
/// Rows are padded to what the kernels over logits take.
constexpr std::uint32_t kPadding = 16;
constexpr float kUnseen = -std::numeric_limits<float>::infinity();
constexpr float kLeast = 1e-6F;  ///< of 1 - a

using Lanes = std::array<float, kTogether>;

constexpr std::size_t padded(std::uint32_t rows) {
    return (std::size_t{rows} + kPadding - 1) / kPadding * kPadding;
}

/// The work on one KV head: query rows in order of voter, then of query head.
class Changes {
public:
    Changes(const VoteInput & input, std::uint32_t kv_head, std::span<float> scratch, std::span<float> votes)
        : input_(input),
          spec_(input.spec),
          kv_head_(kv_head),
          views_(input.rows[kv_head]),
          stride_(padded(kv::rows_in(views_))),
          logits_(scratch.first(kTogether * stride_)),
          weights_(scratch.subspan(kTogether * stride_, stride_)),
          positions_(scratch.subspan((kTogether + 1) * stride_, stride_)),
          votes_(votes),
          row_(std::max(spec_.key_size, spec_.value_size)) {
        std::size_t at = 0;
        for (const kv::HeadRows & view : views_) {
            for (std::uint32_t row = 0; row < view.rows; ++row) {
                positions_[at++] = static_cast<float>(index_of(view.position(row)));
            }
        }
        std::fill(positions_.begin() + static_cast<std::ptrdiff_t>(at), positions_.end(), 0.0F);
    }

    void add(std::uint32_t first) {
        first_ = first;
        count_ = std::min(kTogether, input_.window * spec_.group() - first);
        take_logits();
        for (std::uint32_t lane = 0; lane < count_; ++lane) {
            take_weights(lane);
        }
        take_outputs();
        add_changes();
    }

private:
    [[nodiscard]] std::uint32_t head(std::uint32_t lane) const { return (first_ + lane) % spec_.group(); }
    [[nodiscard]] std::uint32_t voter(std::uint32_t lane) const { return (first_ + lane) / spec_.group(); }
    [[nodiscard]] std::uint32_t position(std::uint32_t lane) const { return input_.n - input_.window + voter(lane); }

    /// body(index among all rows, position) after a row's keys or values are in row_.
    template <typename Body>
    void for_rows(bool values, const Body & body) {
        const kv::LayerShape & shape = input_.shape;
        std::size_t at = 0;
        for (const kv::HeadRows & view : views_) {
            for (std::uint32_t row = 0; row < view.rows; ++row, ++at) {
                if (input_.halt != nullptr && input_.halt->stopped()) {
                    return;
                }
                if (values) {
                    kv::decode_row(view.values + row * shape.value_stride(), shape.value_size,
                                   shape.values_in_keys ? shape.type.key : shape.type.value, kv::value_rotation(shape),
                                   row_.data());
                } else {
                    kv::decode_row(view.keys + row * shape.key_bytes(), shape.key_size, shape.type.key,
                                   kv::key_rotation(shape), row_.data());
                }
                body(at, view.position(row));
            }
        }
    }

    void take_logits() {
        std::vector<Lanes> queries(spec_.key_size);
        const float factor = cpu::query_factor(spec_);
        for (std::uint32_t lane = 0; lane < count_; ++lane) {
            const std::size_t of_head = std::size_t{kv_head_} * spec_.group() + head(lane);
            const float * from = input_.queries + (std::size_t{voter(lane)} * spec_.heads + of_head) * spec_.key_size;
            for (std::uint32_t i = 0; i < spec_.key_size; ++i) {
                queries[i][lane] = factor * from[i];
            }
        }
        for_rows(false, [&](std::size_t at, Position) {
            Lanes sums{};
            for (std::uint32_t i = 0; i < spec_.key_size; ++i) {
                for (std::uint32_t lane = 0; lane < kTogether; ++lane) {
                    sums[lane] += row_[i] * queries[i][lane];
                }
            }
            for (std::uint32_t lane = 0; lane < count_; ++lane) {
                logits_[lane * stride_ + at] = sums[lane];
            }
        });
    }

    /// The logits of a lane become its weights; 0 for a row that it does not see.
    void take_weights(std::uint32_t lane) {
        const std::span<float> logits = logits_.subspan(lane * stride_, stride_);
        const std::uint32_t of_head = kv_head_ * spec_.group() + head(lane);
        cpu::adjust_logits(spec_, of_head, position(lane), positions_.data(), logits.data(), stride_);
        float most = kUnseen;
        std::size_t at = 0;
        for (const kv::HeadRows & view : views_) {
            const bool cut = spec_.sliding_window > 0 && position(lane) >= spec_.sliding_window;
            const std::uint32_t from = cut ? view.count_up_to(Position{position(lane) - spec_.sliding_window}) : 0;
            const std::uint32_t end = view.count_up_to(Position{position(lane)});
            for (std::uint32_t row = 0; row < view.rows; ++row, ++at) {
                logits[at] = row >= from && row < end ? logits[at] : kUnseen;
                most = std::max(most, logits[at]);
            }
        }
        std::fill(logits.begin() + static_cast<std::ptrdiff_t>(at), logits.end(), kUnseen);
        std::fill(weights_.begin(), weights_.end(), 0.0F);
        if (most > kUnseen) {
            cpu::add_weights(logits.data(), stride_, most, 1, weights_.data());
        }
        const double sum =
            std::accumulate(weights_.begin(), weights_.end(), double{cpu::sink_share(spec_, of_head, most)});
        for (std::size_t row = 0; row < stride_; ++row) {
            logits[row] = sum > 0 ? static_cast<float>(weights_[row] / sum) : 0;
        }
    }

    void take_outputs() {
        outputs_.assign(spec_.value_size, Lanes{});
        for_rows(true, [&](std::size_t at, Position) {
            Lanes weights{};
            for (std::uint32_t lane = 0; lane < count_; ++lane) {
                weights[lane] = logits_[lane * stride_ + at];
            }
            for (std::uint32_t i = 0; i < spec_.value_size; ++i) {
                for (std::uint32_t lane = 0; lane < kTogether; ++lane) {
                    outputs_[i][lane] += row_[i] * weights[lane];
                }
            }
        });
    }

    void add_changes() {
        for_rows(true, [&](std::size_t at, Position row) {
            const std::size_t column = index_of(row) - std::size_t{input_.first};
            if (index_of(row) < input_.first || column >= input_.prefix) {
                return;
            }
            Lanes squares{};
            for (std::uint32_t i = 0; i < spec_.value_size; ++i) {
                for (std::uint32_t lane = 0; lane < kTogether; ++lane) {
                    const float apart = outputs_[i][lane] - row_[i];
                    squares[lane] += apart * apart;
                }
            }
            const std::uint32_t seen_by = std::min(input_.window, input_.n - index_of(row));
            for (std::uint32_t lane = 0; lane < count_; ++lane) {
                const float weight = logits_[lane * stride_ + at];
                const float times = weight / std::max(1 - weight, kLeast);
                votes_[std::size_t{head(lane)} * input_.prefix + column] +=
                    times * times * squares[lane] / static_cast<float>(seen_by);
            }
        });
    }

    const VoteInput & input_;
    const AttentionSpec & spec_;
    std::uint32_t kv_head_;
    std::span<const kv::HeadRows> views_;
    std::size_t stride_;
    std::span<float> logits_;     ///< [lane][row], then weights
    std::span<float> weights_;    ///< of one lane
    std::span<float> positions_;  ///< of the rows
    std::span<float> votes_;
    std::vector<float> row_;
    std::vector<Lanes> outputs_;  ///< [element]
    std::uint32_t first_ = 0;     ///< query row
    std::uint32_t count_ = 0;     ///< query rows taken together
};

}  // namespace

std::size_t output_change_floats(std::uint32_t rows) {
    return (kTogether + 2) * padded(rows);
}

void output_changes(const VoteInput & input, std::uint32_t kv_head, std::span<float> scratch, std::span<float> votes) {
    const std::uint32_t group = input.spec.group();
    assert(votes.size() == std::size_t{group} * input.prefix);
    assert(scratch.size() == output_change_floats(kv::rows_in(input.rows[kv_head])));
    std::fill(votes.begin(), votes.end(), 0.0F);
    Changes changes(input, kv_head, scratch, votes);
    for (std::uint32_t first = 0; first < input.window * group; first += kTogether) {
        changes.add(first);
    }
}

}  // namespace snapkv::attention

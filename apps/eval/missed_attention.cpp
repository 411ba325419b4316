#include "eval/missed_attention.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>

namespace snapkv::eval {
namespace {

constexpr std::size_t kOneSide = MissedAttention::bins / 2;
constexpr std::uint8_t kKept = MissedAttention::bins;

/// 0 for a distance of 1, 1 for 2, 2 for 3 and 4, ... kOneSide - 1 for all beyond 64.
std::size_t magnitude_of(std::uint64_t distance) {
    return std::min<std::size_t>(std::bit_width(distance - 1), kOneSide - 1);
}

/// The bin of each position of the prefix, kKept for those in `kept` (ascending). The window begins behind the prefix.
std::vector<std::uint8_t> bins_by_position(const std::vector<Position> & kept, std::uint32_t prefix) {
    std::vector<std::uint8_t> bins(prefix, kKept);
    auto next = kept.begin();
    std::int64_t behind = std::numeric_limits<std::int32_t>::min();  // nothing is kept before the first
    for (std::uint32_t position = 0; position < prefix; ++position) {
        const std::int64_t ahead = next == kept.end() ? prefix : index_of(*next);
        if (ahead == position) {
            behind = position;
            ++next;
            continue;
        }
        const bool after = position - behind <= ahead - position;
        bins[position] = static_cast<std::uint8_t>(MissedAttention::bin_of(position - (after ? behind : ahead)));
    }
    return bins;
}

}  // namespace

std::size_t MissedAttention::bin_of(std::int64_t distance) {
    const std::size_t magnitude = magnitude_of(static_cast<std::uint64_t>(std::abs(distance)));
    return distance > 0 ? kOneSide + magnitude : kOneSide - 1 - magnitude;
}

std::string MissedAttention::bin_name(std::size_t bin) {
    const bool ahead = bin >= kOneSide;
    const std::size_t magnitude = ahead ? bin - kOneSide : kOneSide - 1 - bin;
    const char sign = ahead ? '+' : '-';
    const std::uint64_t last = std::uint64_t{1} << magnitude;
    const std::uint64_t first = last / 2 + 1;
    if (magnitude == kOneSide - 1) {
        return fmt::format("{}{} and beyond", sign, first);
    }
    if (magnitude < 2) {
        return fmt::format("{}{}", sign, last);
    }
    return ahead ? fmt::format("+{} to +{}", first, last) : fmt::format("-{} to -{}", last, first);
}

MissedAttention::MissedAttention(const MissedAttentionConfig & config, const ModelInfo & model)
    : config_(config),
      window_(config.text, model),
      heads_(model.heads),
      bins_by_position_(model.kv_heads),
      sums_(std::size_t{model.layers} * model.heads) {}

Observer MissedAttention::observer() {
    return {window_.positions(), [this](const AttentionRow & row) { see(row); }};
}

void MissedAttention::see(const AttentionRow & row) {
    const WindowVotes * votes = window_.add(row);
    if (votes == nullptr) {
        return;
    }
    std::vector<std::uint8_t> & bin_at = bins_by_position_[row.kv_head];
    if (window_.begins_answer(row)) {
        bin_at = bins_by_position(votes->select(config_.selection), window_.prefix());
    }
    Sums & sums = sums_[std::size_t{row.layer} * heads_ + row.head];
    const std::uint64_t first = sums.tokens++ == 0 ? 1 : 0;
    for (std::uint32_t position = 0; position < window_.prefix(); ++position) {
        if (bin_at[position] != kKept) {
            Bin & bin = sums.parts[bin_at[position]];
            bin.share += double{row.weights[position]};
            bin.rows += first;
        }
    }
}

MissedAttention::Bin MissedAttention::bin(std::uint32_t layer, std::uint32_t head, std::size_t index) const {
    const Sums & sums = sums_[std::size_t{layer} * heads_ + head];
    return {sums.parts[index].share / static_cast<double>(sums.tokens), sums.parts[index].rows};
}

}  // namespace snapkv::eval

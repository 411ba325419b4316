#include "run/appended_rows.h"

namespace snapkv::run {

std::optional<Reservation> reserve_rows(std::uint64_t bytes, const kv::Arena & arena) {
    if (bytes == 0) {
        return std::nullopt;
    }
    return Reservation::require(bytes, arena.shared_meter(), "further rows of keys and values");
}

AppendedRows::AppendedRows(std::span<const Feed> feeds) : feeds_(feeds) {
    const std::optional<Reservation> reserved = reserve();
    try {
        for (; appended_ < feeds.size(); ++appended_) {
            Sequence::Impl & sequence = *feeds_[appended_].sequence;
            if (sequence.eviction) {
                sequence.eviction->begin(*sequence.arena, sequence.rows, count(appended_));
            }
            tail(appended_).append(count(appended_));
        }
    } catch (...) {
        take_back();
        throw;
    }
}

/// Blocks are had for some hundred rows at once: mostly there is nothing to ask for.
std::optional<Reservation> AppendedRows::reserve() const {
    std::uint64_t bytes = 0;
    for (std::size_t index = 0; index < feeds_.size(); ++index) {
        const Sequence::Impl & sequence = *feeds_[index].sequence;
        bytes += tail(index).append_bytes(count(index)) +
                 (sequence.eviction ? sequence.eviction->begin_bytes(sequence.rows, count(index)) : 0);
    }
    return reserve_rows(bytes, *feeds_.front().sequence->arena);
}

void AppendedRows::keep() {
    for (std::size_t index = 0; index < appended_; ++index) {
        Sequence::Impl & sequence = *feeds_[index].sequence;
        if (sequence.eviction) {
            sequence.eviction->apply(sequence.rows);
        }
        tail(index).settle();
        sequence.stats.evicted = sequence.eviction ? sequence.eviction->evicted() : tail(index).out_of_sight();
    }
    appended_ = 0;
}

void AppendedRows::take_back() {
    for (; appended_ > 0; --appended_) {
        tail(appended_ - 1).truncate(tail(appended_ - 1).rows() - count(appended_ - 1));
    }
}

}  // namespace snapkv::run

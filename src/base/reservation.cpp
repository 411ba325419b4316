#include "base/reservation.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <numeric>
#include <utility>
#include <vector>

#include "base/raise.h"
#include "base/resident.h"

namespace snapkv {

struct Reservation::Entry {
    std::uint64_t bytes = 0;
    std::uint64_t before = 0;  ///< what the meter counted at first
    std::shared_ptr<const Meter> taken{};
    bool counts = true;
    std::uint64_t mapped = 0;  ///< of the bytes, those that have addresses and are not counted

    [[nodiscard]] std::uint64_t counted() const {
        const std::uint64_t alive = taken->alive();
        return alive - std::min(alive, before);
    }
    [[nodiscard]] std::uint64_t outstanding() const { return bytes - std::min(bytes, counts ? counted() : 0); }
    [[nodiscard]] std::uint64_t unmapped() const { return bytes - std::min(bytes, counted() + mapped); }

    /// All that is set aside in this process. The mutex guards the entries too.
    static inline std::mutex mutex;
    static inline std::vector<std::shared_ptr<Entry>> all;

    static std::uint64_t sum(std::uint64_t (Entry::*of_entry)() const) {
        return std::accumulate(all.begin(), all.end(), std::uint64_t{0},
                               [&](std::uint64_t sum, const auto & entry) { return sum + (*entry.*of_entry)(); });
    }
    static std::uint64_t unreserved() {
        const std::uint64_t memory = available_physical_memory();
        const std::uint64_t addresses = available_address_space();
        return std::min(memory - std::min(memory, sum(&Entry::outstanding)),
                        addresses - std::min(addresses, sum(&Entry::unmapped)));
    }
    static bool has_room(std::uint64_t reusable) {
        return sum(&Entry::outstanding) <= saturating_sum(available_physical_memory(), reusable) &&
               sum(&Entry::unmapped) <= available_address_space();
    }
    static std::uint64_t saturating_sum(std::uint64_t one, std::uint64_t other) {
        return one + std::min(other, std::numeric_limits<std::uint64_t>::max() - one);
    }
};

std::optional<Reservation> Reservation::take(std::uint64_t bytes, std::shared_ptr<const Meter> taken,
                                             std::uint64_t & unreserved, std::uint64_t reusable) {
    const std::scoped_lock lock(Entry::mutex);
    unreserved = Entry::saturating_sum(Entry::unreserved(), reusable);
    if (bytes > unreserved) {
        return std::nullopt;
    }
    const std::uint64_t before = taken->alive();
    const auto entry = std::make_shared<Entry>(Entry{bytes, before, std::move(taken)});
    Entry::all.push_back(entry);
    return Reservation(entry);
}

Reservation::Reservation(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
Reservation Reservation::require(std::uint64_t bytes, std::shared_ptr<const Meter> taken, std::string_view what) {
    std::uint64_t unreserved = 0;
    std::optional<Reservation> reserved = take(bytes, std::move(taken), unreserved);
    if (!reserved) {
        raise_machine("{} need {} MiB; {} MiB are available", what, bytes >> 20U, unreserved >> 20U);
    }
    return *std::move(reserved);
}

Reservation::Reservation(Reservation && other) noexcept = default;

Reservation & Reservation::operator=(Reservation && other) noexcept {
    std::swap(entry_, other.entry_);
    return *this;
}

Reservation::~Reservation() {
    if (entry_) {
        const std::scoped_lock lock(Entry::mutex);
        std::erase(Entry::all, entry_);
    }
}

bool Reservation::extend(std::uint64_t bytes, std::uint64_t mapped, std::uint64_t reusable) {
    const std::scoped_lock lock(Entry::mutex);
    const Entry before = *entry_;
    entry_->bytes += bytes;
    entry_->mapped += mapped;
    if (!Entry::has_room(reusable)) {
        *entry_ = before;
        return false;
    }
    return true;
}

void Reservation::reduce(std::uint64_t bytes) {
    const std::scoped_lock lock(Entry::mutex);
    entry_->bytes -= std::min(entry_->bytes, bytes);
    entry_->mapped -= std::min(entry_->mapped, bytes);
}

void Reservation::count_taken(bool counts) {
    const std::scoped_lock lock(Entry::mutex);
    entry_->counts = counts;
}

std::uint64_t unreserved_memory() {
    const std::scoped_lock lock(Reservation::Entry::mutex);
    return Reservation::Entry::unreserved();
}

}  // namespace snapkv

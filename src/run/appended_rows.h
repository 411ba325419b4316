#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/reservation.h"
#include "run/stepper.h"

namespace snapkv::run {

/// Sets `bytes` of further rows aside until they are taken from the arena; nothing where there are none. Throws
/// Error(Machine).
[[nodiscard]] std::optional<Reservation> reserve_rows(std::uint64_t bytes, const kv::Arena & arena);

/// Rows for the tokens of all feeds, for as long as nothing fails: taken back at its end unless they are to be kept.
class AppendedRows {
public:
    /// Throws Error(Machine) with all tails as before.
    explicit AppendedRows(std::span<const Feed> feeds);
    ~AppendedRows() { take_back(); }
    AppendedRows(const AppendedRows &) = delete;
    AppendedRows & operator=(const AppendedRows &) = delete;

    /// They stay; what they put out of sight is let go.
    void keep();

private:
    [[nodiscard]] kv::Tail & tail(std::size_t index) const { return feeds_[index].sequence->rows.tail; }
    [[nodiscard]] std::uint32_t count(std::size_t index) const {
        return static_cast<std::uint32_t>(feeds_[index].tokens.size());
    }
    [[nodiscard]] std::optional<Reservation> reserve() const;
    void take_back();

    std::span<const Feed> feeds_;
    std::size_t appended_ = 0;
};

}  // namespace snapkv::run

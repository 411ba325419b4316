#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/meter.h"

namespace snapkv {

/// Memory that is set aside for a run before the run takes it, so that no two count on the last gigabyte. It is one
/// account for the whole process. Movable. Thread-safe.
class Reservation {
public:
    /// Sets aside `bytes`; nothing where fewer are unreserved. What `taken` counts from now on has been taken of them
    /// and is no longer set aside. `reusable`: bytes that are in use and will be given back for this. `unreserved`
    /// receives what was left, `reusable` included.
    [[nodiscard]] static std::optional<Reservation> take(std::uint64_t bytes, std::shared_ptr<const Meter> taken,
                                                         std::uint64_t & unreserved, std::uint64_t reusable = 0);
    /// The same where nothing else will do. Throws Error(Machine) that begins with `what`.
    [[nodiscard]] static Reservation require(std::uint64_t bytes, std::shared_ptr<const Meter> taken,
                                             std::string_view what);
    Reservation(Reservation && other) noexcept;
    Reservation & operator=(Reservation && other) noexcept;
    ~Reservation();

    /// Sets aside `bytes` more; false, with nothing changed, where fewer are unreserved. Of all that is set aside
    /// `mapped` bytes have their addresses by now without the meter's counting them. `reusable` as above.
    [[nodiscard]] bool extend(std::uint64_t bytes, std::uint64_t mapped, std::uint64_t reusable = 0);
    /// So many bytes were taken that the meter does not count.
    void reduce(std::uint64_t bytes);
    /// False: what the meter counts is mapped and not used yet, and so is still set aside. True at first.
    void count_taken(bool counts);

private:
    struct Entry;
    explicit Reservation(std::shared_ptr<Entry> entry);
    friend std::uint64_t unreserved_memory();
    std::shared_ptr<Entry> entry_;
};

/// Memory that can be had (available_memory()), but for what is set aside and not taken yet.
[[nodiscard]] std::uint64_t unreserved_memory();

}  // namespace snapkv

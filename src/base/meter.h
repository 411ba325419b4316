#pragma once

#include <atomic>
#include <cstdint>

namespace snapkv {

/// Counts bytes that are alive and the most that ever were. Thread-safe.
class Meter {
public:
    void add(std::uint64_t bytes) noexcept {
        const std::uint64_t now = alive_.fetch_add(bytes) + bytes;
        std::uint64_t peak = peak_.load();
        while (peak < now && !peak_.compare_exchange_weak(peak, now)) {
        }
    }
    void remove(std::uint64_t bytes) noexcept { alive_.fetch_sub(bytes); }
    void restart_peak() noexcept { peak_.store(alive_.load()); }
    [[nodiscard]] std::uint64_t alive() const noexcept { return alive_.load(); }
    [[nodiscard]] std::uint64_t peak() const noexcept { return peak_.load(); }

private:
    std::atomic<std::uint64_t> alive_{0};
    std::atomic<std::uint64_t> peak_{0};
};

}  // namespace snapkv

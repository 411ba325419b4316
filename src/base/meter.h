#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace snapkv {

/// Counts bytes that are alive and the most that ever were. What a meter counts others may count too. Thread-safe.
class Meter {
public:
    /// `of_sizes`: blocks that it counts have a size and no memory, so that what work would take can be asked of the
    /// code that takes it.
    explicit Meter(std::vector<std::shared_ptr<Meter>> others = {}, bool of_sizes = false)
        : others_(std::move(others)), of_sizes_(of_sizes) {}

    [[nodiscard]] bool of_sizes() const noexcept { return of_sizes_; }

    void add(std::uint64_t bytes) noexcept {
        const std::uint64_t now = alive_.fetch_add(bytes) + bytes;
        std::uint64_t peak = peak_.load();
        while (peak < now && !peak_.compare_exchange_weak(peak, now)) {
        }
        for (const auto & other : others_) {
            other->add(bytes);
        }
    }
    void remove(std::uint64_t bytes) noexcept {
        alive_.fetch_sub(bytes);
        for (const auto & other : others_) {
            other->remove(bytes);
        }
    }
    void restart_peak() noexcept { peak_.store(alive_.load()); }
    [[nodiscard]] std::uint64_t alive() const noexcept { return alive_.load(); }
    [[nodiscard]] std::uint64_t peak() const noexcept { return peak_.load(); }

private:
    std::vector<std::shared_ptr<Meter>> others_;
    bool of_sizes_;
    std::atomic<std::uint64_t> alive_{0};
    std::atomic<std::uint64_t> peak_{0};
};

}  // namespace snapkv

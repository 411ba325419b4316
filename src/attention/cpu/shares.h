#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

namespace snapkv::attention::cpu {

/// Items 0 .. n - 1 dealt out to threads: to each a stretch of its own in ascending order, so that it reads memory in
/// one direction; who is done helps the others. take() may be called by all threads at once.
class Shares {
public:
    void reset(std::uint32_t items, std::uint32_t threads) {
        if (stretches_.size() != threads) {
            stretches_ = std::vector<Stretch>(threads);
        }
        for (std::uint32_t thread = 0; thread < threads; ++thread) {
            stretches_[thread].next.store(cut(items, threads, thread), std::memory_order_relaxed);
            stretches_[thread].end = cut(items, threads, thread + 1);
        }
    }

    /// The next item for `thread`; none when all are taken.
    std::optional<std::uint32_t> take(std::uint32_t thread) {
        const auto threads = static_cast<std::uint32_t>(stretches_.size());
        for (std::uint32_t i = 0; i < threads; ++i) {
            Stretch & stretch = stretches_[(thread + i) % threads];
            if (stretch.next.load(std::memory_order_relaxed) < stretch.end) {
                const std::uint32_t item = stretch.next.fetch_add(1, std::memory_order_relaxed);
                if (item < stretch.end) {
                    return item;
                }
            }
        }
        return std::nullopt;
    }

private:
    struct alignas(64) Stretch {
        std::atomic<std::uint32_t> next{0};
        std::uint32_t end = 0;
    };
    static std::uint32_t cut(std::uint64_t items, std::uint32_t threads, std::uint32_t thread) {
        return static_cast<std::uint32_t>(items * thread / threads);
    }

    std::vector<Stretch> stretches_;
};

}  // namespace snapkv::attention::cpu

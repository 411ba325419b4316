#include "base/temporary_name.h"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <random>
#include <string>

#include "snapkv/whole_file.h"

namespace snapkv {

namespace {

/// A name where a signal handler can read it at any moment: never moved, never freed.
struct Slot {
    enum State : int { Free, Filling, Named };
    std::atomic<int> state{Free};
    std::array<char, 4096> name{};
};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

std::array<Slot, 64> slots;

std::size_t take_slot(const std::string & name) {
    for (std::size_t i = 0; i < slots.size() && name.size() < slots[i].name.size(); ++i) {
        int expected = Slot::Free;
        if (slots[i].state.compare_exchange_strong(expected, Slot::Filling)) {
            std::memcpy(slots[i].name.data(), name.c_str(), name.size() + 1);
            slots[i].state.store(Slot::Named);
            return i;
        }
    }
    return slots.size();
}

/// Short, so that it fits wherever the target's own name fits.
std::string random_name() {
    std::random_device random;
    return fmt::format(".snapkv-{:08x}{:08x}.tmp", random(), random());
}

}  // namespace

TemporaryName::TemporaryName(const std::filesystem::path & directory)
    : path_(directory / random_name()), slot_(take_slot(path_.string())) {}

TemporaryName::~TemporaryName() {
    if (!path_.empty()) {
        ::unlink(path_.c_str());
    }
    keep();
}

void TemporaryName::keep() {
    path_.clear();
    if (slot_ < slots.size()) {
        slots[slot_].state.store(Slot::Free);
        slot_ = slots.size();
    }
}

void remove_temporary_files() noexcept {
    for (const Slot & slot : slots) {
        if (slot.state.load() == Slot::Named) {
            ::unlink(slot.name.data());
        }
    }
}

}  // namespace snapkv

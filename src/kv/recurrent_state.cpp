#include "kv/recurrent_state.h"

#include <cstring>
#include <numeric>
#include <utility>

namespace snapkv::kv {

RecurrentState::RecurrentState(Arena & arena, std::vector<std::size_t> floats)
    : arena_(&arena), offsets_(floats.size() + 1) {
    std::inclusive_scan(floats.begin(), floats.end(), offsets_.begin() + 1);
    current_ = arena.allocate(offsets_.back() * sizeof(float));
}

std::vector<std::size_t> RecurrentState::all_floats() const {
    std::vector<std::size_t> all(layers());
    for (std::uint32_t layer = 0; layer < layers(); ++layer) {
        all[layer] = floats(layer);
    }
    return all;
}

RecurrentState RecurrentState::copy() const {
    RecurrentState other(*arena_, all_floats());
    if (current_.size() > 0) {
        std::memcpy(other.current_.data(), current_.data(), current_.size());
    }
    return other;
}

float * RecurrentState::next(std::uint32_t layer) {
    if (next_.size() < current_.size()) {
        next_ = arena_->allocate(current_.size());
    }
    return next_.floats() + offsets_[layer];
}

void RecurrentState::advance() {
    if (current_.size() > 0) {
        std::swap(current_, next_);
    }
}

}  // namespace snapkv::kv

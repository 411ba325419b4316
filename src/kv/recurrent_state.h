#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kv/arena.h"

namespace snapkv::kv {

/// What a sequence's recurrent layers keep of all tokens so far: some floats a layer, none for layers that attend. A
/// step reads them and writes new ones beside them, which take their place when it is done: a step that fails changes
/// nothing. Not thread-safe.
class RecurrentState {
public:
    /// `floats`: of each layer; zeros, the state before any token. The arena must outlive it.
    RecurrentState(Arena & arena, std::vector<std::size_t> floats);
    [[nodiscard]] RecurrentState copy() const;
    /// From now on what it needs comes from `arena`.
    void set_arena(Arena & arena) { arena_ = &arena; }

    /// Floats of a layer.
    [[nodiscard]] std::size_t floats(std::uint32_t layer) const { return offsets_[layer + 1] - offsets_[layer]; }
    [[nodiscard]] std::vector<std::size_t> all_floats() const;
    [[nodiscard]] std::uint32_t layers() const { return static_cast<std::uint32_t>(offsets_.size() - 1); }
    [[nodiscard]] float * of(std::uint32_t layer) { return current_.floats() + offsets_[layer]; }
    [[nodiscard]] const float * of(std::uint32_t layer) const { return current_.floats() + offsets_[layer]; }

    /// Where a step writes the layer's next state; what is there before has no meaning.
    [[nodiscard]] float * next(std::uint32_t layer);
    /// The next states of all layers, which are written, become the current ones.
    void advance();

private:
    Arena * arena_;
    std::vector<std::size_t> offsets_;
    Block current_;
    Block next_;  ///< empty until the first step
};

}  // namespace snapkv::kv

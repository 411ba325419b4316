#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kv/arena.h"
#include "kv/shape.h"
#include "model/rope.h"
#include "run/sequence_impl.h"

namespace snapkv::run {

// The contents of a saved cache, without the envelope that saved_file.h puts around them. Neither direction needs a
// loaded model or a file; docs/formats.md gives the bytes.

/// What of a model a cache depends on: rows computed under other weights or another rotation mean nothing.
struct SavedModel {
    std::array<std::uint8_t, 32> identity{};  ///< gguf::identity()
    model::Rope rope;                         ///< in force
    std::vector<kv::LayerShape> shapes;       ///< one a layer; the K/V type in them and the rotation are not compared
    std::vector<std::size_t> state_floats{};  ///< of each layer's recurrent state
    std::uint32_t vocabulary = 0;
    std::uint32_t heads = 0;               ///< of queries
    std::vector<std::uint32_t> windows{};  ///< of each layer, 0 where it does not slide; none at all: no layer does
};

/// Receives consecutive pieces of the contents.
using ByteSink = std::function<void(std::span<const std::byte>)>;

/// Contents to be read front to back: how many bytes, and what fetches the next ones into memory, never asked for more
/// than are left.
struct ByteSource {
    std::uint64_t size = 0;
    std::function<void(std::span<std::byte>)> read;
};

/// Contents in memory that outlives it.
[[nodiscard]] inline ByteSource bytes_in(std::span<const std::byte> memory) {
    return {memory.size(), [left = memory](std::span<std::byte> to) mutable {
                std::copy_n(left.begin(), to.size(), to.begin());
                left = left.subspan(to.size());
            }};
}

/// Hands the contents to `sink` piece by piece; rows go there from where they lie.
void encode_sequence(const SavedModel & model, const Sequence::Impl & sequence, const ByteSink & sink);

/// The sequence as it was encoded, with the same segments and the same layout of rows in each, its memory from
/// `arena`; which model it is of is the caller's to record. Nothing in `contents` is trusted: whatever is allocated was
/// first compared with the bytes there are. Throws Error(Input) that begins with `path` for another model or RoPE
/// setting, for more tokens than `context` and for contents that contradict themselves, Error(Machine) where memory is
/// refused, and what reading the contents throws.
Sequence::Impl decode_sequence(const ByteSource & contents, const SavedModel & model, std::uint32_t context,
                               std::shared_ptr<kv::Arena> arena, const std::string & path);

}  // namespace snapkv::run

#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "snapkv/export.h"
#include "snapkv/written_model.h"

namespace snapkv {

/// What a random model is to look like.
struct RandomModelOptions {
    std::string shape = "tiny";                ///< one of random_model_shapes()
    std::string type = "q4_0";                 ///< of matrices, one of random_model_types(); norms, routers are f32
    std::optional<std::uint32_t> layers = {};  ///< in place of the shape's own number
    std::filesystem::path vocabulary = {};  ///< a GGUF file whose tokenizer is taken; empty: bytes and numbered words
    std::uint32_t seed = 1;
    const std::atomic<bool> * stop = nullptr;  ///< polled at least once a mebibyte; may be null
};

/// The shapes and the matrix types there are, in the order in which help lists them.
[[nodiscard]] SNAPKV_API const std::vector<std::string> & random_model_shapes();
[[nodiscard]] SNAPKV_API const std::vector<std::string> & random_model_types();

/// Writes a GGUF model in the shape and architecture of a real one, with random weights: for benchmarks and tests of
/// speed and memory, where what the model says does not matter. Norms are 1; matrices are made of blocks drawn from a
/// pool of roughly normal numbers with mean 0 and deviation 1 / sqrt(row length), so that activations stay finite
/// through any number of layers. The same options give the same bytes. Written piece by piece: memory stays at
/// a few MiB whatever the model's size. What stood at `path` stays until the new file is whole. `progress` receives
/// bytes written and bytes in all. Throws Error(Usage) for an unknown shape or type or one that does not divide the
/// rows, Error(Input) for a vocabulary file that is none, Error(Machine) where the file cannot be written.
SNAPKV_API WrittenModel write_random_model(const std::filesystem::path & path, const RandomModelOptions & options,
                                           const std::function<void(std::uint64_t, std::uint64_t)> & progress = {});

}  // namespace snapkv

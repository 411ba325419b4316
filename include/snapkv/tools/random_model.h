#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "snapkv/export.h"
#include "snapkv/tools/written_model.h"

namespace snapkv {

/// Describes the random model to write.
struct RandomModelOptions {
    std::string shape = "tiny";                ///< one of random_model_shapes()
    std::string type = "q4_0";                 ///< of matrices, one of random_model_types(); norms, routers are f32
    std::optional<std::uint32_t> layers = {};  ///< overrides the shape's own number
    std::filesystem::path vocabulary = {};  ///< GGUF file to take the tokenizer from; empty: bytes and numbered words
    std::uint32_t seed = 1;
    const std::atomic<bool> * stop = nullptr;  ///< polled at least once per MiB; may be null
};

/// The available shapes and matrix types, in the order of the help text.
[[nodiscard]] SNAPKV_API const std::vector<std::string> & random_model_shapes();
[[nodiscard]] SNAPKV_API const std::vector<std::string> & random_model_types();

/// Writes a GGUF model with the shape and architecture of a real one and random weights: for benchmarks and tests of
/// speed and memory, where what the model says does not matter. Norms are 1; matrices are made of blocks drawn from a
/// pool of roughly normal numbers with mean 0 and deviation 1 / sqrt(row length), so that activations stay finite
/// through any number of layers. The same options give the same bytes. Written piece by piece in a few MiB of memory.
/// An existing file at `path` is replaced only once the new one is complete. `progress` receives bytes written and
/// total bytes. Throws Error(Usage) for an unknown shape or type, or a type whose blocks do not divide the rows,
/// Error(Input) if the vocabulary file is not one, Error(Machine) if the file cannot be written.
SNAPKV_API WrittenModel write_random_model(const std::filesystem::path & path, const RandomModelOptions & options,
                                           const std::function<void(std::uint64_t, std::uint64_t)> & progress = {});

}  // namespace snapkv

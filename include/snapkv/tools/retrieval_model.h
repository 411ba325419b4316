#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "snapkv/export.h"
#include "snapkv/tools/written_model.h"

namespace snapkv {

/// Describes the constructed retrieval model to write.
struct RetrievalModelOptions {
    std::filesystem::path vocabulary;          ///< GGUF file to take the tokenizer from
    std::string type = "f16";                  ///< of all matrices, one of retrieval_model_types(); norms are f32
    std::uint32_t suffix = 18;                 ///< tokens that each position knows, 4 to 32
    const std::atomic<bool> * stop = nullptr;  ///< polled at least once per row; may be null
};

/// The available matrix types, in the order of the help text.
[[nodiscard]] SNAPKV_API const std::vector<std::string> & retrieval_model_types();

/// Writes a GGUF model of the llama architecture whose weights are constructed by hand, not trained: it finds the
/// earlier place in the text whose last `suffix` - 1 tokens best match the last tokens now, and continues as the text
/// did there. It has one head of dimension 32 x suffix, a width of 64 more, and log2(suffix), rounded up, + 1 layers.
/// docs/retrieval-model.md explains each layer and what may be concluded from such a model. The same options give the
/// same bytes on one machine. Written row by row; an existing file at `path` is replaced only once the new one is
/// complete. `progress` receives bytes written and total bytes. Throws Error(Usage) for an unknown type, a suffix out
/// of range or no vocabulary; Error(Input) if the vocabulary file is not one or has more tokens than there are codes
/// (2,097,152); Error(Machine) if the file cannot be written.
SNAPKV_API WrittenModel write_retrieval_model(const std::filesystem::path & path, const RetrievalModelOptions & options,
                                              const std::function<void(std::uint64_t, std::uint64_t)> & progress = {});

}  // namespace snapkv

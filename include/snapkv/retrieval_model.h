#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "snapkv/export.h"
#include "snapkv/written_model.h"

namespace snapkv {

/// What a constructed retrieval model is to look like.
struct RetrievalModelOptions {
    std::filesystem::path vocabulary;          ///< a GGUF file whose tokenizer is taken
    std::string type = "f16";                  ///< of all matrices, one of retrieval_model_types(); norms are f32
    std::uint32_t suffix = 18;                 ///< tokens that each position knows, 4 to 32
    const std::atomic<bool> * stop = nullptr;  ///< polled at least once a row; may be null
};

/// The types of matrices there are, in the order in which help lists them.
[[nodiscard]] SNAPKV_API const std::vector<std::string> & retrieval_model_types();

/// Writes a GGUF model of the llama architecture whose weights are constructed by hand, not trained: it says what
/// followed an earlier place of the text whose last `suffix` - 1 tokens agree best with the last tokens now. It has one
/// head of size 32 x suffix, a width of 64 more, and log2(suffix), rounded up, + 1 layers. docs/retrieval-model.md says
/// how each layer works and what may be concluded from such a model. The same options give the same bytes on one
/// machine. Written row by row; what stood at `path` stays until the new file is whole. `progress` receives bytes
/// written and bytes in all. Throws Error(Usage) for an unknown type, a suffix out of range or no vocabulary,
/// Error(Input) for a vocabulary file that is none or has more tokens than there are codes (2,097,152), Error(Machine)
/// where the file cannot be written.
SNAPKV_API WrittenModel write_retrieval_model(const std::filesystem::path & path, const RetrievalModelOptions & options,
                                              const std::function<void(std::uint64_t, std::uint64_t)> & progress = {});

}  // namespace snapkv

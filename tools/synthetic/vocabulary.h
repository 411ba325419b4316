#pragma once

#include <cstdint>
#include <filesystem>

#include "gguf.h"

namespace snapkv::synthetic {

/// Sets the tokenizer keys of a SentencePiece vocabulary of `size` tokens: three control tokens, the 256 bytes, and
/// numbered words that no text is cut into. `size` is at least 259.
void add_byte_vocabulary(gguf_context * file, std::uint32_t size);

/// Copies the tokenizer keys of a GGUF file and returns the number of its tokens. Throws Error(Input) for a file that
/// is none or whose vocabulary libllama would not survive.
std::uint32_t copy_vocabulary(gguf_context * file, const std::filesystem::path & source);

}  // namespace snapkv::synthetic

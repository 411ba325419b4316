#pragma once

#include <filesystem>

#include "llama.h"

namespace snapkv::test {

/// Writes `source` in another file type with libllama's quantiser, from whatever type it has.
void quantise(const std::filesystem::path & source, const std::filesystem::path & target, llama_ftype type);

/// The demonstration model in another file type; `name` as in "Q8_0". Kept among the temporary files from one test to
/// the next and made again where it is missing.
std::filesystem::path small_model(llama_ftype type, const char * name);

}  // namespace snapkv::test

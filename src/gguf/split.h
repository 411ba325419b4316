#pragma once

#include <deque>
#include <filesystem>

#include "gguf/parsed_file.h"

namespace snapkv::gguf {

/// The model's files in order: `path` alone, or with it all other parts of a split model, of which it must be the
/// first. Throws Error(Input) that names file, key, what was found and what was expected: another part than the first,
/// a part that is missing, parts that contradict each other, another number of tensors than the first part says.
std::deque<ParsedFile> open_parts(const std::filesystem::path & path);

}  // namespace snapkv::gguf

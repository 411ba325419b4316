#pragma once

#include <cstdint>
#include <string>

#include "gguf.h"
#include "synthetic/shape.h"

namespace snapkv::synthetic {

/// Sets every key of a model but those of the tokenizer. `name` is general.name, `file_type` the number
/// of FileType.
void set_model_keys(gguf_context * file, const Shape & shape, const std::string & name, std::uint32_t file_type);

}  // namespace snapkv::synthetic

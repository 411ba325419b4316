#pragma once

#include <cstdint>
#include <vector>

#include "gguf/cursor.h"
#include "gguf/file.h"

namespace snapkv::gguf {

// libllama finds each tensor by a walk over all names: more than this would keep it busy for minutes.
inline constexpr std::uint64_t most_tensors = std::uint64_t{1} << 14U;

/// Reads the table of `count` tensors from where the cursor stands, right behind the metadata. The tensors' data lies
/// behind it in the table's order, each at the next multiple of `alignment`: any other offset is an error, and so is
/// data beyond the file's end.
std::vector<TensorInfo> read_tensor_table(Cursor & cursor, std::uint64_t count, std::uint64_t alignment);

}  // namespace snapkv::gguf

#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "gguf/file.h"
#include "gguf/mapping.h"
#include "gguf/metadata.h"

namespace snapkv::gguf {

/// One file, mapped and parsed: a whole model or a part of one. Stays where it is, for its metadata are views of it.
struct ParsedFile {
    /// Throws what File::open throws of a single file.
    explicit ParsedFile(const std::filesystem::path & from);

    std::filesystem::path path;
    Mapping mapping;
    Metadata metadata;
    std::vector<TensorInfo> tensors;
    std::uint64_t header_bytes = 0;  ///< header, metadata and tensor table
};

}  // namespace snapkv::gguf

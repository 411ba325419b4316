#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ggml.h"

namespace snapkv::synthetic {

struct FileType {
    ggml_type type;
    std::uint32_t number;  ///< LLAMA_FTYPE_*, as files state what most of their weights are
};

/// Names, in lower case, of the types that ggml quantises without knowing which weights matter.
[[nodiscard]] const std::vector<std::string> & file_type_names();

/// The type of that name, in either case. Throws Error(Usage) where it is not one of `allowed`.
[[nodiscard]] FileType find_file_type(const std::string & name, const std::vector<std::string> & allowed);

}  // namespace snapkv::synthetic

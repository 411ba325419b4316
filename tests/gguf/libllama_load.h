#pragma once

#include <filesystem>

namespace snapkv::test {

/// Whether libllama loads the file's vocabulary; if so, a text is tokenized with and without special tokens, and each
/// token's text is asked for. The process ends where libllama aborts.
bool loads_in_libllama(const std::filesystem::path & path);

}  // namespace snapkv::test

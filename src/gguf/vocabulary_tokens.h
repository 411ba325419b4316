#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gguf/file.h"

namespace snapkv::gguf {

/// The tokens' texts as libllama will know them: cut at a zero byte, "[EMPTY_<id>]" in place of nothing. Throws where
/// there are none, where two are the same, or where scores or types are fewer.
std::vector<std::string> checked_tokens(const File & file);

/// Byte tokens look like <0x0A>, and with `all` there is one for each byte: libllama spells unknown text with them.
void check_byte_tokens(const File & file, const std::vector<std::string> & tokens, bool all);

/// libllama keeps the decoded text of every BPE token, and for each character outside the byte alphabet the whole token
/// once more: refuses what would grow beyond all measure.
void check_decoded_size(const File & file, const std::vector<std::string> & tokens);

/// Each merge is two pieces with a space between.
void check_merges(const File & file);

}  // namespace snapkv::gguf

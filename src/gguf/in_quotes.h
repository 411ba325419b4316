#pragma once

#include <string>
#include <string_view>

namespace snapkv::gguf {

/// Text from a file made fit for one line of an error message: in single quotes, control bytes and bytes beyond ASCII
/// as \xNN, cut after 64 bytes.
std::string in_quotes(std::string_view text);

}  // namespace snapkv::gguf

#include "gguf/in_quotes.h"

#include <fmt/core.h>

#include <cstddef>

namespace snapkv::gguf {

std::string in_quotes(std::string_view text) {
    constexpr std::size_t longest = 64;
    std::string line = "'";
    for (const char c : text.substr(0, longest)) {
        const bool printable = c >= ' ' && c <= '~';
        line += printable ? std::string(1, c) : fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
    }
    line += text.size() > longest ? "'..." : "'";
    return line;
}

}  // namespace snapkv::gguf

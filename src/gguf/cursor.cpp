#include "gguf/cursor.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "base/raise.h"
#include "gguf/in_quotes.h"

namespace snapkv::gguf {

std::string Cursor::place() const {
    if (!name_.empty()) {
        return fmt::format("{} {}", kind_, in_quotes(name_));
    }
    return number_ == 0 ? std::string(kind_) : fmt::format("{} number {}", kind_, number_);
}

std::span<const std::byte> Cursor::take(std::uint64_t count, std::uint64_t size_of_each) {
    const std::size_t left = bytes_.size() - offset_;
    if (count > left / size_of_each) {
        constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
        const std::uint64_t end = count > (most - offset_) / size_of_each ? most : offset_ + count * size_of_each;
        raise_input("{}: cut short or damaged: {} reaches to byte {}, the file has {} bytes", path_, place(), end,
                    bytes_.size());
    }
    const auto size = static_cast<std::size_t>(count * size_of_each);
    const std::span<const std::byte> taken = bytes_.subspan(offset_, size);
    offset_ += size;
    return taken;
}

std::string_view Cursor::string() {
    const auto length = integer<std::uint64_t>();
    const std::span<const std::byte> bytes = take(length, 1);
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

std::string_view Cursor::name(std::size_t longest) {
    const std::string_view name = string();
    if (name.empty() || name.size() > longest) {
        raise_input("{}: {} has a name of {} bytes, expected 1 to {}", path_, place(), name.size(), longest);
    }
    // Readers written in C end a name at its first zero byte and would take it for another.
    if (std::ranges::any_of(name, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; })) {
        raise_input("{}: {} has control bytes in its name {}", path_, place(), in_quotes(name));
    }
    name_ = name;
    return name;
}

}  // namespace snapkv::gguf

#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace snapkv::gguf {

static_assert(std::endian::native == std::endian::little, "GGUF files are read as they lie");

/// Reads forward through a file's bytes and never beyond them: what does not fit is an Error(Input) that names the
/// path, the thing that was being read, the bytes needed and the bytes there are.
class Cursor {
public:
    /// Both must outlive the cursor and the views it gives out.
    Cursor(std::span<const std::byte> bytes, const std::string & path) : bytes_(bytes), path_(path) {}

    /// What the next reads belong to: a "key" or a "tensor", told by its number until its name is read.
    void enter(std::string_view kind, std::uint64_t number) { kind_ = kind, name_ = {}, number_ = number; }
    [[nodiscard]] std::string place() const;

    template <typename T>
    requires std::integral<T> T integer() {
        T value{};
        std::memcpy(&value, take(1, sizeof value).data(), sizeof value);
        return value;
    }
    std::span<const std::byte> take(std::uint64_t count, std::uint64_t size_of_each);
    /// A 64-bit length and as many bytes.
    std::string_view string();
    /// A string that names the thing entered: 1 to `longest` bytes, no control bytes.
    std::string_view name(std::size_t longest);

    [[nodiscard]] std::size_t offset() const { return offset_; }
    [[nodiscard]] std::size_t size() const { return bytes_.size(); }
    [[nodiscard]] const std::string & path() const { return path_; }
    [[nodiscard]] std::span<const std::byte> since(std::size_t offset) const {
        return bytes_.subspan(offset, offset_ - offset);
    }

private:
    std::span<const std::byte> bytes_;
    const std::string & path_;
    std::size_t offset_ = 0;
    std::string_view kind_ = "header";
    std::string_view name_;
    std::uint64_t number_ = 0;
};

}  // namespace snapkv::gguf

#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/raise.h"
#include "run/saved_codec.h"

namespace snapkv::run {

static_assert(std::endian::native == std::endian::little, "saved caches are read as they lie in the file");

/// Reads forward through a saved cache's contents and never beyond them: an archive for the lists of saved_fields.h
/// that takes no value on trust. What cannot be is an Error(Input) that begins with the path and names the field.
class SavedReader {
public:
    /// Both must outlive the reader.
    SavedReader(const ByteSource & bytes, const std::string & path) : bytes_(bytes), left_(bytes.size), path_(path) {}

    [[nodiscard]] const std::string & path() const { return path_; }

    template <typename... Args>
    [[noreturn]] void refuse(fmt::format_string<Args...> format, Args &&... args) const {
        raise_input("{}: damaged: {}", path_, fmt::format(format, std::forward<Args>(args)...));
    }

    /// Refuses unless `count` times `size` more bytes are there; to be called before such a count is believed.
    void expect(const char * name, std::uint64_t count, std::uint64_t size) const {
        if (size != 0 && count > left_ / size) {
            refuse("{}: {} of {} bytes each, {} bytes are left", name, count, size, left_);
        }
    }
    template <typename T>
    std::vector<T> array(const char * name, std::uint64_t count) {
        expect(name, count, sizeof(T));
        std::vector<T> values;
        grow(values, static_cast<std::size_t>(count));
        return values;
    }
    /// The next bytes into memory that has room for them.
    void fill(const char * name, std::byte * to, std::size_t count) {
        expect(name, count, 1);
        read({to, count});
    }

    template <typename T>
    requires std::is_arithmetic_v<T>
    void number(const char * name, T & value) {
        expect(name, 1, sizeof value);
        read(std::as_writable_bytes(std::span(&value, 1)));
        if constexpr (std::is_floating_point_v<T>) {
            if (!std::isfinite(value)) {
                refuse("{} is {}, expected a finite number", name, value);
            }
        }
    }
    void flag(const char * name, bool & value) { value = index(name, 2) == 1; }
    template <typename Enum, typename Names>
    void choice(const char * name, Enum & value, const Names & names) {
        value = static_cast<Enum>(index(name, static_cast<std::uint32_t>(names.size())));
    }
    void optional(const char * name, std::optional<std::uint32_t> & value) {
        bool present = false;
        flag(name, present);
        std::uint32_t number_in_file = 0;
        number(name, number_in_file);
        value = present ? std::optional(number_in_file) : std::nullopt;
    }
    /// Printable ASCII: it will be shown as it is, and nothing that steers a terminal belongs in it.
    void text(const char * name, std::string & value) {
        std::uint32_t length = 0;
        number(name, length);
        expect(name, length, 1);
        value.clear();
        grow(value, length);
        for (const char c : value) {
            if (c < ' ' || c > '~') {
                refuse("{} holds a byte that is not printable", name);
            }
        }
    }

    void expect_end() const {
        if (left_ != 0) {
            refuse("{} bytes follow the last field", left_);
        }
    }

private:
    /// Reads `count` elements, which take memory as their bytes come: a stream may claim more than it has.
    template <typename Container>
    void grow(Container & values, std::size_t count) {
        constexpr std::size_t kPiece = std::size_t{1} << 18U;
        while (values.size() < count) {
            const std::size_t before = values.size();
            values.resize(std::min(count, before + kPiece));
            read(std::as_writable_bytes(std::span(values).subspan(before)));
        }
    }
    void read(std::span<std::byte> to) {
        bytes_.read(to);
        left_ -= to.size();
    }
    std::uint32_t index(const char * name, std::uint32_t count) {
        std::uint32_t value = 0;
        number(name, value);
        if (value >= count) {
            refuse("{} is {}, expected less than {}", name, value, count);
        }
        return value;
    }

    const ByteSource & bytes_;
    std::uint64_t left_;
    const std::string & path_;
};

/// What write_model() wrote. Throws Error(Input) for another model than `model`.
[[nodiscard]] std::vector<kv::LayerShape> read_model(SavedReader & in, const SavedModel & model);
[[nodiscard]] std::vector<Token> read_tokens(SavedReader & in, std::uint32_t count, std::uint32_t vocabulary);

}  // namespace snapkv::run

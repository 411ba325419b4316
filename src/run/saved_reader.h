#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "base/raise.h"

namespace snapkv::run {

static_assert(std::endian::native == std::endian::little, "saved caches are read as they lie in the file");

/// Reads forward through a saved cache's contents and never beyond them: an archive for the lists of saved_fields.h
/// that takes no value on trust. What cannot be is an Error(Input) that begins with the path and names the field.
class SavedReader {
public:
    /// Both must outlive the reader and the views it gives out.
    SavedReader(std::span<const std::byte> bytes, const std::string & path) : bytes_(bytes), path_(path) {}

    [[nodiscard]] const std::string & path() const { return path_; }

    template <typename... Args>
    [[noreturn]] void refuse(fmt::format_string<Args...> format, Args &&... args) const {
        raise_input("{}: damaged: {}", path_, fmt::format(format, std::forward<Args>(args)...));
    }

    /// Refuses unless `count` times `size` more bytes are there; to be called before such a count is believed.
    void expect(const char * name, std::uint64_t count, std::uint64_t size) const {
        if (size != 0 && count > bytes_.size() / size) {
            refuse("{}: {} of {} bytes each, {} bytes are left", name, count, size, bytes_.size());
        }
    }
    std::span<const std::byte> take(const char * name, std::uint64_t count, std::uint64_t size) {
        expect(name, count, size);
        const auto taken = bytes_.first(static_cast<std::size_t>(count * size));
        bytes_ = bytes_.subspan(taken.size());
        return taken;
    }
    /// `count` numbers, copied out: in the file they may lie at any address.
    template <typename T>
    std::vector<T> array(const char * name, std::uint64_t count) {
        const std::span<const std::byte> from = take(name, count, sizeof(T));
        std::vector<T> values(static_cast<std::size_t>(count));
        copy(from, reinterpret_cast<std::byte *>(values.data()));
        return values;
    }
    /// The next bytes into memory that has room for them.
    void fill(const char * name, std::byte * to, std::size_t count) { copy(take(name, count, 1), to); }

    template <typename T>
    requires std::is_arithmetic_v<T>
    void number(const char * name, T & value) {
        std::memcpy(&value, take(name, 1, sizeof value).data(), sizeof value);
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
        const std::span<const std::byte> from = take(name, length, 1);
        value.assign(reinterpret_cast<const char *>(from.data()), from.size());
        for (const char c : value) {
            if (c < ' ' || c > '~') {
                refuse("{} holds a byte that is not printable", name);
            }
        }
    }

    void expect_end() const {
        if (!bytes_.empty()) {
            refuse("{} bytes follow the last field", bytes_.size());
        }
    }

private:
    static void copy(std::span<const std::byte> from, std::byte * to) {
        if (!from.empty()) {  // an empty destination may be null
            std::memcpy(to, from.data(), from.size());
        }
    }
    std::uint32_t index(const char * name, std::uint32_t count) {
        std::uint32_t value = 0;
        number(name, value);
        if (value >= count) {
            refuse("{} is {}, expected less than {}", name, value, count);
        }
        return value;
    }

    std::span<const std::byte> bytes_;
    const std::string & path_;
};

}  // namespace snapkv::run

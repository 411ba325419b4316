#include "gguf/file.h"

#include <fmt/core.h>

#include <cassert>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <utility>

#include "base/raise.h"
#include "gguf/cursor.h"
#include "gguf/in_quotes.h"
#include "gguf/mapping.h"
#include "gguf/metadata.h"
#include "gguf/tensor_table.h"
#include "gguf/values.h"

namespace snapkv::gguf {
namespace {

struct Counts {
    std::uint64_t tensors = 0;
    std::uint64_t keys = 0;
};

/// Magic, version and the two counts.
Counts read_header(Cursor & cursor) {
    if (cursor.size() < sizeof(std::uint32_t) || std::memcmp(cursor.take(4, 1).data(), GGUF_MAGIC, 4) != 0) {
        raise_input("{}: not a GGUF file", cursor.path());
    }
    const auto version = cursor.integer<std::uint32_t>();
    if (version != 2 && version != GGUF_VERSION) {
        const bool swapped = (version & 0xFFFFU) == 0 && version != 0;
        raise_input("{}: a GGUF file of version {}{}, expected 2 or {}", cursor.path(), version,
                    swapped ? " (written for the other byte order?)" : "", GGUF_VERSION);
    }
    Counts counts;
    counts.tensors = cursor.integer<std::uint64_t>();
    counts.keys = cursor.integer<std::uint64_t>();
    return counts;
}

}  // namespace

struct File::Impl {
    std::filesystem::path path;
    Mapping mapping;
    Metadata metadata;
    std::vector<TensorInfo> tensors;
    std::unordered_map<std::string_view, const TensorInfo *> by_name;  // views of and pointers into `tensors`
    std::uint64_t header_bytes = 0;

    explicit Impl(const std::filesystem::path & from) : path(from), mapping(from) {
        const std::string name = path.string();
        Cursor cursor(mapping.bytes(), name);
        const Counts counts = read_header(cursor);
        metadata = read_metadata(cursor, counts.keys);
        tensors = read_tensor_table(cursor, counts.tensors, alignment_of(metadata, name));
        header_bytes = cursor.offset();
        for (const TensorInfo & tensor : tensors) {
            by_name.emplace(tensor.name, &tensor);
        }
    }

    [[nodiscard]] const Value * find(std::string_view key) const {
        const auto found = metadata.find(key);
        return found == metadata.end() ? nullptr : &found->second;
    }

    [[noreturn]] void refuse(std::string_view key, std::string_view found, std::string_view expected) const {
        raise_input("{}: key {} is {}, expected {}", path.string(), in_quotes(key), found, expected);
    }

    /// What `read` makes of the key's value; nothing where there is no such key.
    template <typename T>
    [[nodiscard]] std::optional<T> find_as(std::string_view key, std::optional<T> (*read)(const Value &),
                                           std::string_view expected) const {
        const Value * value = find(key);
        if (value == nullptr) {
            return std::nullopt;
        }
        std::optional<T> result = read(*value);
        if (!result) {
            refuse(key, value->kind(), expected);
        }
        return result;
    }

    template <typename T>
    [[nodiscard]] T require(std::string_view key, std::optional<T> value, std::string_view expected) const {
        if (!value) {
            refuse(key, "missing", expected);
        }
        return *std::move(value);
    }
};

File::File(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
File::File(File &&) noexcept = default;
File & File::operator=(File &&) noexcept = default;
File::~File() = default;

File File::open(const std::filesystem::path & path) {
    return File(std::make_unique<Impl>(path));
}

const std::filesystem::path & File::path() const {
    return impl_->path;
}
std::span<const std::byte> File::bytes() const {
    return impl_->mapping.bytes();
}
std::uint64_t File::header_bytes() const {
    return impl_->header_bytes;
}

bool File::has(std::string_view key) const {
    return impl_->find(key) != nullptr;
}
std::string File::kind(std::string_view key) const {
    const Value * value = impl_->find(key);
    return value == nullptr ? std::string() : value->kind();
}

constexpr std::string_view expected_u32 = "an integer of 32 bits without a sign";
constexpr std::string_view expected_f32 = "a number with a fraction";
constexpr std::string_view expected_string = "a string";

std::optional<std::uint32_t> File::find_u32(std::string_view key) const {
    return impl_->find_as(key, u32_of, expected_u32);
}
std::optional<float> File::find_f32(std::string_view key) const {
    return impl_->find_as(key, f32_of, expected_f32);
}
std::optional<bool> File::find_bool(std::string_view key) const {
    return impl_->find_as(key, bool_of, "true or false");
}
std::optional<std::string> File::find_string(std::string_view key) const {
    return impl_->find_as(key, string_of, expected_string);
}
std::optional<std::vector<std::int64_t>> File::find_integers(std::string_view key) const {
    return impl_->find_as(key, integers_of, "integers of 64 bits");
}
std::optional<std::vector<std::string>> File::find_strings(std::string_view key) const {
    return impl_->find_as(key, strings_of, "an array of strings");
}
std::optional<std::size_t> File::array_length(std::string_view key) const {
    return impl_->find_as(key, length_of, "an array");
}

std::uint32_t File::get_u32(std::string_view key) const {
    return impl_->require(key, find_u32(key), expected_u32);
}
float File::get_f32(std::string_view key) const {
    return impl_->require(key, find_f32(key), expected_f32);
}
std::string File::get_string(std::string_view key) const {
    return impl_->require(key, find_string(key), expected_string);
}

const std::vector<TensorInfo> & File::tensors() const {
    return impl_->tensors;
}
const TensorInfo * File::find_tensor(std::string_view name) const {
    const auto found = impl_->by_name.find(name);
    return found == impl_->by_name.end() ? nullptr : found->second;
}
std::span<const std::byte> File::data(const TensorInfo & tensor) const {
    assert(tensor.offset <= bytes().size() && tensor.bytes <= bytes().size() - tensor.offset);
    return bytes().subspan(tensor.offset, tensor.bytes);
}

}  // namespace snapkv::gguf

#include "gguf/file.h"

#include <cassert>
#include <deque>
#include <unordered_map>
#include <utility>

#include "base/raise.h"
#include "gguf/in_quotes.h"
#include "gguf/parsed_file.h"
#include "gguf/split.h"
#include "gguf/values.h"

namespace snapkv::gguf {
struct File::Impl {
    std::deque<ParsedFile> files;
    std::vector<Part> parts;
    std::vector<TensorInfo> tensors;                            // of all parts
    std::unordered_map<std::string_view, std::size_t> by_name;  // indices in `tensors`; the names are views of it

    explicit Impl(const std::filesystem::path & path) : files(open_parts(path)) {
        for (const ParsedFile & file : files) {
            for (TensorInfo tensor : file.tensors) {
                tensor.part = parts.size();
                tensors.push_back(std::move(tensor));
            }
            parts.push_back({file.path, file.mapping.bytes(), file.header_bytes});
        }
        for (std::size_t index = 0; index < tensors.size(); ++index) {
            const auto [other, is_new] = by_name.emplace(tensors[index].name, index);
            if (!is_new) {
                raise_input("{}: tensor {} is also in {}, expected it in one shard", path_of(tensors[index]).string(),
                            in_quotes(tensors[index].name), path_of(tensors[other->second]).string());
            }
        }
    }

    [[nodiscard]] const std::filesystem::path & path() const { return parts.front().path; }
    [[nodiscard]] const std::filesystem::path & path_of(const TensorInfo & tensor) const {
        return parts[tensor.part].path;
    }

    [[nodiscard]] const Value * find(std::string_view key) const {
        const Metadata & metadata = files.front().metadata;
        const auto found = metadata.find(key);
        return found == metadata.end() ? nullptr : &found->second;
    }

    [[noreturn]] void refuse(std::string_view key, std::string_view found, std::string_view expected) const {
        raise_input("{}: key {} is {}, expected {}", path().string(), in_quotes(key), found, expected);
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
    return impl_->path();
}
std::span<const Part> File::parts() const {
    return impl_->parts;
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
    return found == impl_->by_name.end() ? nullptr : &impl_->tensors[found->second];
}
const std::filesystem::path & File::path_of(const TensorInfo & tensor) const {
    return impl_->path_of(tensor);
}
std::span<const std::byte> File::data(const TensorInfo & tensor) const {
    const std::span<const std::byte> bytes = impl_->parts[tensor.part].bytes;
    assert(tensor.offset <= bytes.size() && tensor.bytes <= bytes.size() - tensor.offset);
    return bytes.subspan(tensor.offset, tensor.bytes);
}

}  // namespace snapkv::gguf

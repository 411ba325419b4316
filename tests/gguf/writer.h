#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ggml.h"
#include "gguf.h"

namespace snapkv::test {

/// Little-endian bytes, one after the other.
class Bytes {
public:
    template <typename T>
    requires std::integral<T> || std::floating_point<T> Bytes & number(T value) {
        data_.append(reinterpret_cast<const char *>(&value), sizeof value);
        return *this;
    }
    Bytes & raw(std::string_view text) {
        data_ += text;
        return *this;
    }
    /// A 64-bit length, then the text.
    Bytes & string(std::string_view text) { return number<std::uint64_t>(text.size()).raw(text); }

    [[nodiscard]] const std::string & data() const { return data_; }

private:
    std::string data_;
};

/// Puts a GGUF file together from whatever it is told, true or not.
class Writer {
public:
    std::string magic = "GGUF";
    std::uint32_t version = 3;
    std::optional<std::uint64_t> says_keys;     ///< in place of the true number
    std::optional<std::uint64_t> says_tensors;  ///< in place of the true number
    std::uint64_t alignment = 32;

    /// A key with any type and any bytes for its value.
    Writer & raw(std::string_view key, std::uint32_t type, const Bytes & value) {
        metadata_.string(key).number(type).raw(value.data());
        ++keys_;
        return *this;
    }
    Writer & string(std::string_view key, std::string_view value) {
        return raw(key, GGUF_TYPE_STRING, Bytes().string(value));
    }
    Writer & boolean(std::string_view key, bool value) {
        return raw(key, GGUF_TYPE_BOOL, Bytes().number<std::uint8_t>(value ? 1 : 0));
    }
    Writer & u32(std::string_view key, std::uint32_t value) {
        return raw(key, GGUF_TYPE_UINT32, Bytes().number(value));
    }
    Writer & strings(std::string_view key, const std::vector<std::string> & values) {
        Bytes bytes = array(GGUF_TYPE_STRING, values.size());
        for (const std::string & value : values) {
            bytes.string(value);
        }
        return raw(key, GGUF_TYPE_ARRAY, bytes);
    }
    template <typename T>
    Writer & numbers(std::string_view key, gguf_type type, const std::vector<T> & values) {
        Bytes bytes = array(type, values.size());
        for (const T value : values) {
            bytes.number(value);
        }
        return raw(key, GGUF_TYPE_ARRAY, bytes);
    }
    static Bytes array(std::uint32_t element_type, std::uint64_t count) {
        return std::move(Bytes().number(element_type).number(count));
    }

    /// The next tensor, at the offset where it belongs unless told otherwise.
    Writer & tensor(std::string_view name, const std::vector<std::int64_t> & shape, std::uint32_t type,
                    std::string_view data, std::optional<std::uint64_t> says_offset = std::nullopt) {
        table_.string(name).number(static_cast<std::uint32_t>(shape.size()));
        for (const std::int64_t size : shape) {
            table_.number(size);
        }
        table_.number(type).number(says_offset.value_or(data_.size()));
        data_ += data;
        data_.resize((data_.size() + alignment - 1) / alignment * alignment);
        ++tensors_;
        return *this;
    }

    [[nodiscard]] std::string bytes() const {
        Bytes file;
        file.raw(magic).number(version);
        file.number(says_tensors.value_or(tensors_)).number(says_keys.value_or(keys_));
        std::string all = file.data() + metadata_.data() + table_.data();
        if (tensors_ > 0) {
            all.resize((all.size() + alignment - 1) / alignment * alignment);
        }
        return all + data_;
    }

private:
    Bytes metadata_;
    Bytes table_;
    std::string data_;
    std::uint64_t keys_ = 0;
    std::uint64_t tensors_ = 0;
};

}  // namespace snapkv::test

#include "gguf/values.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace snapkv::gguf {
namespace {

/// The element at byte `index * sizeof(T)`; the file promises no alignment.
template <typename T>
T element(const Value & value, std::size_t index) {
    T result{};
    std::memcpy(&result, value.data.subspan(index * sizeof(T), sizeof(T)).data(), sizeof(T));
    return result;
}

template <typename T>
std::optional<std::int64_t> integer(const Value & value, std::size_t index) {
    const T number = element<T>(value, index);
    if (!std::in_range<std::int64_t>(number)) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(number);
}

std::optional<std::int64_t> integer_at(const Value & value, std::size_t index) {
    switch (value.type) {
        case GGUF_TYPE_UINT8:
            return integer<std::uint8_t>(value, index);
        case GGUF_TYPE_INT8:
            return integer<std::int8_t>(value, index);
        case GGUF_TYPE_UINT16:
            return integer<std::uint16_t>(value, index);
        case GGUF_TYPE_INT16:
            return integer<std::int16_t>(value, index);
        case GGUF_TYPE_UINT32:
            return integer<std::uint32_t>(value, index);
        case GGUF_TYPE_INT32:
            return integer<std::int32_t>(value, index);
        case GGUF_TYPE_UINT64:
            return integer<std::uint64_t>(value, index);
        case GGUF_TYPE_INT64:
            return integer<std::int64_t>(value, index);
        default:
            return std::nullopt;
    }
}

bool is_integer(gguf_type type) {
    return type != GGUF_TYPE_FLOAT32 && type != GGUF_TYPE_FLOAT64 && type != GGUF_TYPE_BOOL && type != GGUF_TYPE_STRING;
}

bool is_single(const Value & value, gguf_type type) {
    return !value.is_array && value.type == type;
}

/// The string that begins at `offset`, which moves behind it. open() has checked all lengths.
std::string next_string(const Value & value, std::size_t & offset) {
    std::uint64_t length = 0;
    std::memcpy(&length, value.data.subspan(offset, sizeof length).data(), sizeof length);
    const std::span<const std::byte> bytes = value.data.subspan(offset + sizeof length, length);
    offset += sizeof length + length;
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

}  // namespace

std::optional<std::uint32_t> u32_of(const Value & value) {
    const std::optional<std::int64_t> number = value.is_array ? std::nullopt : integer_at(value, 0);
    if (!number || !std::in_range<std::uint32_t>(*number)) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(*number);
}

std::optional<float> f32_of(const Value & value) {
    if (is_single(value, GGUF_TYPE_FLOAT32)) {
        return element<float>(value, 0);
    }
    if (is_single(value, GGUF_TYPE_FLOAT64)) {
        const auto number = element<double>(value, 0);
        if (!std::isfinite(number) || std::abs(number) <= static_cast<double>(std::numeric_limits<float>::max())) {
            return static_cast<float>(number);
        }
    }
    return std::nullopt;
}

std::optional<bool> bool_of(const Value & value) {
    if (!is_single(value, GGUF_TYPE_BOOL)) {
        return std::nullopt;
    }
    return element<std::uint8_t>(value, 0) != 0;
}

std::optional<std::string> string_of(const Value & value) {
    if (!is_single(value, GGUF_TYPE_STRING)) {
        return std::nullopt;
    }
    std::size_t offset = 0;
    return next_string(value, offset);
}

std::optional<std::vector<std::int64_t>> integers_of(const Value & value) {
    const bool flags = value.is_array && value.type == GGUF_TYPE_BOOL;
    if (!is_integer(value.type) && !flags) {
        return std::nullopt;
    }
    std::vector<std::int64_t> numbers;
    numbers.reserve(value.count);
    for (std::size_t i = 0; i < value.count; ++i) {
        const std::optional<std::int64_t> number =
            flags ? std::optional<std::int64_t>(element<std::uint8_t>(value, i) != 0) : integer_at(value, i);
        if (!number) {
            return std::nullopt;
        }
        numbers.push_back(*number);
    }
    return numbers;
}

std::optional<std::vector<std::string>> strings_of(const Value & value) {
    if (!value.is_array || value.type != GGUF_TYPE_STRING) {
        return std::nullopt;
    }
    std::vector<std::string> strings;
    strings.reserve(value.count);
    std::size_t offset = 0;
    for (std::uint64_t i = 0; i < value.count; ++i) {
        strings.push_back(next_string(value, offset));
    }
    return strings;
}

std::optional<std::size_t> length_of(const Value & value) {
    return value.is_array ? std::optional<std::size_t>(value.count) : std::nullopt;
}

}  // namespace snapkv::gguf

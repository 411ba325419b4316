#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "gguf/metadata.h"

namespace snapkv::gguf {

// The value as the asked-for type, or nothing where it is of another kind or does not fit.

std::optional<std::uint32_t> u32_of(const Value & value);                   ///< from any integer type
std::optional<float> f32_of(const Value & value);                           ///< from f32 and f64
std::optional<bool> bool_of(const Value & value);                           ///< from bool only
std::optional<std::string> string_of(const Value & value);                  ///< from a single string
std::optional<std::vector<std::int64_t>> integers_of(const Value & value);  ///< from one integer, an array, or flags
std::optional<std::vector<std::string>> strings_of(const Value & value);    ///< from an array of strings
std::optional<std::size_t> length_of(const Value & value);                  ///< of any array

}  // namespace snapkv::gguf

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "snapkv/cache_config.h"

namespace snapkv::cli {

/// Whole numbers and decimals as options take them. All throw Error(Usage) that names the option, what was found and
/// what was expected.
[[nodiscard]] std::int64_t read_integer(std::string_view option, std::string_view text, std::int64_t least,
                                        std::int64_t most);
[[nodiscard]] std::uint32_t read_count(std::string_view option, std::string_view text, std::uint32_t least = 0);
[[nodiscard]] float read_decimal(std::string_view option, std::string_view text, double least, double most);
/// "N" rows or "P%".
[[nodiscard]] Budget read_budget(std::string_view option, std::string_view text);
/// Rows of what comes after the prompt; `none`: all of them.
[[nodiscard]] std::optional<std::uint32_t> read_tail_budget(std::string_view option, std::string_view text);
[[nodiscard]] std::string tail_budget_text(const std::optional<std::uint32_t> & rows);

/// A kernel's width, an odd number.
[[nodiscard]] std::uint32_t read_kernel(std::string_view option, std::string_view text);

}  // namespace snapkv::cli

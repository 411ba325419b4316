#pragma once

#include <span>
#include <string>
#include <string_view>

namespace snapkv::eval {

// RULER's two scores (Hsieh et al., 2024): whether references occur anywhere in a prediction, whatever their case. An
// empty reference occurs everywhere. 0 without references.

/// The share of the references that occur: string_match_all, for all tasks but the questions about documents.
[[nodiscard]] double match_all(std::string_view prediction, std::span<const std::string> references);

/// 1 where any of the references occurs: string_match_part, for the questions about documents.
[[nodiscard]] double match_part(std::string_view prediction, std::span<const std::string> references);

}  // namespace snapkv::eval

#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace snapkv::eval {

/// Why a text is not JSON, in the parser's words but without its heading and the text that it quotes, which may be
/// long: "invalid string: missing closing quote".
[[nodiscard]] std::string json_fault(const nlohmann::json::parse_error & error);

}  // namespace snapkv::eval

#include "eval/json_fault.h"

#include <string_view>

namespace snapkv::eval {

std::string json_fault(const nlohmann::json::parse_error & error) {
    // "[json.exception.parse_error.101] parse error at line 1, column 9: syntax error while parsing value - REASON;
    // last read: 'TEXT'; expected NAME", or the reason at once
    constexpr std::string_view before_quote = "; last read: '";
    std::string_view text = error.what();
    for (const std::string_view before_reason : {": ", " - "}) {
        if (const std::size_t at = text.find(before_reason); at != std::string_view::npos) {
            text.remove_prefix(at + before_reason.size());
        }
    }
    return std::string(text.substr(0, text.find(before_quote)));
}

}  // namespace snapkv::eval

#pragma once

#include <algorithm>
#include <string_view>

namespace snapkv::eval {

[[nodiscard]] inline std::string_view without_leading_newlines(std::string_view text) {
    return text.substr(std::min(text.find_first_not_of('\n'), text.size()));
}

/// What LongBench scores of a prediction for its few-shot sets: the first line that is not empty. A line of blanks is
/// not empty.
[[nodiscard]] inline std::string_view first_line(std::string_view prediction) {
    prediction = without_leading_newlines(prediction);
    return prediction.substr(0, prediction.find('\n'));
}

}  // namespace snapkv::eval

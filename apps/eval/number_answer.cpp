#include "eval/number_answer.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "eval/character_classes.h"
#include "eval/digit_runs.h"

namespace snapkv::eval {
namespace {

/// The number's digits by value, without zeros in front; "0" for zero, empty where there is no number.
std::string number_of(std::string_view text, WhichNumber which) {
    const std::vector<std::u32string> runs = digit_runs(text);
    if (runs.empty()) {
        return {};
    }
    std::string digits;
    for (const char32_t point : which == WhichNumber::Last ? runs.back() : runs.front()) {
        digits += static_cast<char>('0' + digit_value(point));
    }
    return digits.substr(std::min(digits.find_first_not_of('0'), digits.size() - 1));
}

}  // namespace

double number_right(std::string_view prediction, std::string_view expected, WhichNumber which) {
    const std::string wanted = number_of(expected, WhichNumber::First);
    return !wanted.empty() && number_of(prediction, which) == wanted ? 1 : 0;
}

double digits_right(std::string_view prediction, std::string_view expected, WhichNumber which) {
    const std::string wanted = number_of(expected, WhichNumber::First);
    const std::string given = number_of(prediction, which);
    std::size_t right = 0;
    for (std::size_t i = 0; i < std::min(wanted.size(), given.size()); ++i) {
        right += static_cast<std::size_t>(wanted[i] == given[i]);
    }
    return wanted.empty() ? 0 : static_cast<double>(right) / static_cast<double>(wanted.size());
}

}  // namespace snapkv::eval

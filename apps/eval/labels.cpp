#include "eval/labels.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "eval/character_classes.h"
#include "eval/digit_runs.h"
#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

double share_of(std::u32string_view number, std::string_view prediction) {
    const std::vector<std::u32string> numbers = digit_runs(prediction);
    if (numbers.empty()) {
        return 0;
    }
    const auto right = std::count(numbers.begin(), numbers.end(), number);
    return static_cast<double>(right) / static_cast<double>(numbers.size());
}

}  // namespace

double classification_score(std::string_view prediction, std::string_view reference,
                            std::span<const std::string> classes) {
    std::vector<std::string_view> named;
    for (const std::string & name : classes) {
        if (prediction.find(name) != std::string_view::npos) {
            named.emplace_back(name);
        }
    }
    // The original removes from the list that it walks through, by value: hence the search, and the step in any case.
    for (std::size_t i = 0; i < named.size(); ++i) {
        const std::string_view name = named[i];
        if (name != reference && reference.find(name) != std::string_view::npos) {
            named.erase(std::find(named.begin(), named.end(), name));
        }
    }
    const bool right = std::find(named.begin(), named.end(), reference) != named.end();
    return right ? 1.0 / static_cast<double>(named.size()) : 0;
}

double count_score(std::string_view prediction, std::string_view reference) {
    return share_of(code_points(reference), prediction);
}

std::optional<std::u32string> paragraph_number(std::string_view reference) {
    constexpr std::u32string_view word = U"Paragraph ";
    const std::u32string points = code_points(reference);
    for (std::size_t at = points.find(word); at != std::u32string::npos; at = points.find(word, at + 1)) {
        const auto begin = points.begin() + static_cast<std::ptrdiff_t>(at + word.size());
        const auto end = std::find_if(begin, points.end(), [](char32_t point) { return digit_value(point) < 0; });
        if (begin != end) {
            return std::u32string(begin, end);
        }
    }
    return std::nullopt;
}

double retrieval_score(std::string_view prediction, std::string_view reference) {
    const std::optional<std::u32string> number = paragraph_number(reference);
    return number ? share_of(*number, prediction) : 0;
}

}  // namespace snapkv::eval

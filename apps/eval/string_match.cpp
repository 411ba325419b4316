#include "eval/string_match.h"

#include <algorithm>
#include <cstddef>

#include "eval/character_classes.h"
#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

std::size_t occurring(std::string_view prediction, std::span<const std::string> references) {
    const std::u32string text = lower(code_points(prediction));
    return static_cast<std::size_t>(std::count_if(references.begin(), references.end(), [&](const auto & reference) {
        return text.find(lower(code_points(reference))) != std::u32string::npos;
    }));
}

}  // namespace

double match_all(std::string_view prediction, std::span<const std::string> references) {
    if (references.empty()) {
        return 0;
    }
    return static_cast<double>(occurring(prediction, references)) / static_cast<double>(references.size());
}

double match_part(std::string_view prediction, std::span<const std::string> references) {
    return occurring(prediction, references) > 0 ? 1 : 0;
}

}  // namespace snapkv::eval

#include "eval/needle_rouge.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "eval/character_classes.h"
#include "eval/porter_stemmer.h"
#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

bool separates(char32_t point) {
    return point >= 0x80 || !is_word(point) || point == U'_';
}

std::vector<std::string> sorted_stems(std::string_view text) {
    const std::u32string points = lower(code_points(text));
    std::vector<std::string> stems;
    for (const std::u32string_view part : split(points, separates)) {
        std::string word;
        std::transform(part.begin(), part.end(), std::back_inserter(word),
                       [](char32_t point) { return static_cast<char>(point); });
        stems.push_back(word.size() > 3 ? porter_stem(std::move(word)) : word);
    }
    std::sort(stems.begin(), stems.end());
    return stems;
}

}  // namespace

double needle_rouge_1(std::string_view prediction, std::string_view needle) {
    const std::vector<std::string> predicted = sorted_stems(prediction);
    const std::vector<std::string> expected = sorted_stems(needle);
    std::vector<std::string> both;
    std::set_intersection(predicted.begin(), predicted.end(), expected.begin(), expected.end(),
                          std::back_inserter(both));
    if (both.empty()) {
        return 0;
    }
    const double precision = static_cast<double>(both.size()) / static_cast<double>(predicted.size());
    const double recall = static_cast<double>(both.size()) / static_cast<double>(expected.size());
    return 2 * precision * recall / (precision + recall);
}

}  // namespace snapkv::eval

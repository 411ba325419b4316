#include "eval/token_overlap.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "eval/character_classes.h"
#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

using Words = std::vector<std::u32string_view>;

std::u32string without_punctuation(std::string_view text) {
    std::u32string points = lower(code_points(text));
    points.erase(std::remove_if(points.begin(), points.end(), is_punctuation), points.end());
    return points;
}

bool is_article(std::u32string_view word) {
    return word == U"a" || word == U"an" || word == U"the";
}

/// Blanks in the place of the articles. A sign that is not ASCII bounds a word here, but does not end it below: that
/// is how the original's \b and split() differ.
std::u32string without_articles(std::u32string_view text) {
    std::u32string result;
    for (std::size_t begin = 0; begin < text.size();) {
        std::size_t end = begin;
        while (end < text.size() && is_word(text[end])) {
            ++end;
        }
        const std::u32string_view word = text.substr(begin, end - begin);
        result += is_article(word) ? U" " : word;
        if (end < text.size()) {
            result += text[end++];
        }
        begin = end;
    }
    return result;
}

Words sorted_words(std::u32string_view text) {
    Words words = split(text, is_space);
    std::sort(words.begin(), words.end());
    return words;
}

/// How many words both lists have; one that stands several times in both counts as often as in the one with fewer.
double shared(const Words & left, const Words & right) {
    Words both;
    std::set_intersection(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(both));
    return static_cast<double>(both.size());
}

}  // namespace

double token_f1(std::string_view prediction, std::string_view reference) {
    const std::u32string predicted_text = without_articles(without_punctuation(prediction));
    const std::u32string expected_text = without_articles(without_punctuation(reference));
    const Words predicted = sorted_words(predicted_text);
    const Words expected = sorted_words(expected_text);
    const double common = shared(predicted, expected);
    if (common == 0) {
        return 0;
    }
    const double precision = common / static_cast<double>(predicted.size());
    const double recall = common / static_cast<double>(expected.size());
    return 2 * precision * recall / (precision + recall);
}

double word_recall(std::string_view prediction, std::string_view reference) {
    const std::u32string predicted_text = without_punctuation(prediction);
    const std::u32string expected_text = without_punctuation(reference);
    const Words predicted = sorted_words(predicted_text);
    Words expected = sorted_words(expected_text);
    expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
    return expected.empty() ? 0 : shared(predicted, expected) / static_cast<double>(expected.size());
}

}  // namespace snapkv::eval

#include "eval/rouge.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "eval/character_classes.h"
#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

using Sentence = std::vector<std::u32string_view>;
using WordSet = std::set<std::u32string_view>;

std::vector<Sentence> sentences_of(std::u32string_view text) {
    std::vector<Sentence> sentences;
    for (const std::u32string_view part : split(text, [](char32_t point) { return point == U'.'; })) {
        Sentence words = split(part, is_space);
        if (words.empty()) {
            words.emplace_back();  // what Python's "".split(" ") gives
        }
        sentences.push_back(std::move(words));
    }
    return sentences;
}

WordSet words_of(const std::vector<Sentence> & sentences) {
    WordSet words;
    for (const Sentence & sentence : sentences) {
        words.insert(sentence.begin(), sentence.end());
    }
    return words;
}

double f1(std::size_t common, std::size_t predicted, std::size_t expected) {
    const double precision = static_cast<double>(common) / static_cast<double>(predicted);
    const double recall = static_cast<double>(common) / static_cast<double>(expected);
    return 2.0 * (precision * recall / (precision + recall + 1e-8));
}

/// Adds the words of a longest common subsequence. Of several equally long ones it is the package's: on the way back
/// from the ends a word of the prediction is dropped unless only dropping one of the reference keeps the length.
void add_common(const Sentence & expected, const Sentence & predicted, WordSet & common) {
    const std::size_t width = predicted.size() + 1;
    std::vector<bool> drops_expected((expected.size() + 1) * width);
    std::vector<std::uint32_t> above(width);
    std::vector<std::uint32_t> row(width);
    for (std::size_t i = 1; i <= expected.size(); ++i) {
        for (std::size_t j = 1; j < width; ++j) {
            drops_expected[i * width + j] = above[j] > row[j - 1];
            row[j] = expected[i - 1] == predicted[j - 1] ? above[j - 1] + 1 : std::max(above[j], row[j - 1]);
        }
        std::swap(above, row);
    }
    std::size_t i = expected.size();
    std::size_t j = predicted.size();
    while (i > 0 && j > 0) {
        if (expected[i - 1] == predicted[j - 1]) {
            common.insert(expected[i - 1]);
            --i;
            --j;
        } else if (drops_expected[i * width + j]) {
            --i;
        } else {
            --j;
        }
    }
}

}  // namespace

double rouge_1(std::string_view prediction, std::string_view reference) {
    const std::u32string predicted_text = code_points(prediction);
    const std::u32string expected_text = code_points(reference);
    const WordSet predicted = words_of(sentences_of(predicted_text));
    const WordSet expected = words_of(sentences_of(expected_text));
    if (predicted.empty() || expected.empty()) {
        return 0;
    }
    std::vector<std::u32string_view> common;
    std::set_intersection(predicted.begin(), predicted.end(), expected.begin(), expected.end(),
                          std::back_inserter(common));
    return f1(common.size(), predicted.size(), expected.size());
}

double rouge_l(std::string_view prediction, std::string_view reference) {
    const std::u32string predicted_text = code_points(prediction);
    const std::u32string expected_text = code_points(reference);
    const std::vector<Sentence> predicted = sentences_of(predicted_text);
    const std::vector<Sentence> expected = sentences_of(expected_text);
    if (predicted.empty() || expected.empty()) {
        return 0;
    }
    WordSet common;
    for (const Sentence & sentence : expected) {
        for (const Sentence & other : predicted) {
            add_common(sentence, other, common);
        }
    }
    return f1(common.size(), words_of(predicted).size(), words_of(expected).size());
}

}  // namespace snapkv::eval

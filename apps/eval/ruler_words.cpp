#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "eval/ruler_prompt.h"
#include "eval/word_list.h"

namespace snapkv::eval {
namespace {

constexpr std::size_t common_words = 10;

/// How often words come in a list.
struct Repeats {
    std::size_t common = 0;
    std::size_t others = 0;
};

struct WordList {
    std::string text;
    std::vector<std::string> common;
};

/// What lists are drawn from.
enum class Form { Words, Pairs };

std::size_t words_of(Form form) {
    return form == Form::Words ? word_count() : word_pair_count();
}

WordList draw_list(Form form, std::size_t different, const Repeats & repeats, Random & random) {
    DistinctNumbers choice(words_of(form));
    WordList list;
    std::vector<std::string> words;
    for (std::size_t i = 0; i < different; ++i) {
        const std::size_t number = choice.draw(random);
        const std::string drawn = form == Form::Words ? std::string(word(number)) : word_pair(number);
        words.insert(words.end(), i < common_words ? repeats.common : repeats.others, drawn);
        if (i < common_words) {
            list.common.push_back(drawn);
        }
    }
    random.shuffle(words);
    for (std::size_t i = 0; i < words.size(); ++i) {
        list.text += fmt::format("{}{}. {}", i == 0 ? "" : " ", i + 1, words[i]);
    }
    return list;
}

RulerPrompt common_words_prompt(const WordList & list) {
    RulerPrompt prompt;
    prompt.document = fmt::format(
        "Below is a numbered list of words. In these words, some appear more often than others. Memorize the ones that "
        "appear most often.\n{}",
        list.text);
    prompt.question = "\nQuestion: What are the 10 most common words in the above list?";
    prompt.answer_prefix = " Answer: The top 10 words that appear most often in the list are:";
    prompt.answers = list.common;
    return prompt;
}

/// A short list with its answer, numbered too.
std::string common_words_example(Form form, std::size_t different, const Repeats & repeats, Random & random) {
    const WordList list = draw_list(form, different, repeats, random);
    std::string text = common_words_prompt(list).text();
    for (std::size_t i = 0; i < list.common.size(); ++i) {
        text += fmt::format(" {}. {}", i + 1, list.common[i]);
    }
    return text + "\n";
}

std::vector<std::string> coded_words(std::size_t count, Random & random) {
    constexpr std::size_t letters = 6;
    std::set<std::string> known;
    std::vector<std::string> words;
    while (words.size() < count) {
        std::string coded;
        for (std::size_t i = 0; i < letters; ++i) {
            coded += static_cast<char>('a' + random.below(26));
        }
        if (known.insert(coded).second) {
            words.push_back(std::move(coded));
        }
    }
    return words;
}

/// Of `total` words before rounding, those of a rank from 1: total / (rank^2 zeta(2)), zeta(2) = pi^2 / 6.
std::size_t frequency(std::size_t total, std::size_t rank) {
    constexpr double zeta = 1.6449340668482264;
    const auto squared = static_cast<double>(rank) * static_cast<double>(rank);
    return static_cast<std::size_t>(static_cast<double>(total) / (squared * zeta));
}

std::string coded_text(const std::vector<std::string> & vocabulary, std::size_t total, Random & random) {
    std::vector<std::string_view> words;
    for (std::size_t i = 0; i < vocabulary.size(); ++i) {
        words.insert(words.end(), frequency(total, i + 1), vocabulary[i]);
    }
    random.shuffle(words);
    return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace

RulerMaker common_words_maker(std::size_t length, std::size_t budget, const TokenCount & count, const Random & random) {
    constexpr std::size_t full_length = 4096;
    const bool full = length >= full_length;
    const auto prompt_of = [=](Form form, std::size_t units) {
        Random draws = random;
        const std::string before =
            full ? common_words_example(form, 40, {10, 3}, draws) : common_words_example(form, 20, {3, 1}, draws);
        RulerPrompt prompt = common_words_prompt(draw_list(form, units, full ? Repeats{30, 3} : Repeats{6, 1}, draws));
        prompt.document = before + prompt.document;
        return prompt;
    };
    const bool plain = count(prompt_of(Form::Words, word_count()).text()) > budget;
    const Form form = plain ? Form::Words : Form::Pairs;
    RulerMaker maker;
    maker.make = [=](std::size_t units) { return prompt_of(form, units); };
    maker.least = common_words + 1;
    maker.most = words_of(form);
    maker.unit = "different words";
    return maker;
}

RulerMaker frequent_words_maker(std::size_t budget, Random random) {
    constexpr std::size_t tokens_a_word = 50;    // of the budget, for each word of the vocabulary
    constexpr std::size_t least_vocabulary = 5;  // noise, three answers and one that is none
    std::vector<std::string> vocabulary = coded_words(std::max(budget / tokens_a_word, least_vocabulary), random);
    vocabulary.front() = "...";  // the most frequent is noise
    RulerMaker maker;
    maker.make = [=](std::size_t units) {
        Random draws = random;
        RulerPrompt prompt;
        prompt.document = fmt::format(
            "Read the following coded text and track the frequency of each coded word. Find the three most frequently "
            "appeared coded words. {}",
            coded_text(vocabulary, units, draws));
        prompt.question =
            "\nQuestion: Do not provide any explanation. Please ignore the dots '....'. What are the three most "
            "frequently appeared words in the above coded text?";
        prompt.answer_prefix =
            " Answer: According to the coded text above, the three most frequently appeared words are:";
        prompt.answers.assign(vocabulary.begin() + 1, vocabulary.begin() + 4);
        return prompt;
    };
    maker.least = 53;  // from here on the fourth word in rank is always more frequent than the fifth
    maker.most = ruler_unlimited;
    return maker;
}

}  // namespace snapkv::eval

#include "eval/porter_stemmer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace snapkv::eval {
namespace {

struct Rule {
    std::string_view suffix;
    std::string_view replacement;
};

// NLTK's words that the rules treat badly.
constexpr std::array irregular{
    Rule{"skies", "sky"},      Rule{"sky", "sky"},         Rule{"dying", "die"},        Rule{"lying", "lie"},
    Rule{"tying", "tie"},      Rule{"news", "news"},       Rule{"innings", "inning"},   Rule{"inning", "inning"},
    Rule{"outings", "outing"}, Rule{"outing", "outing"},   Rule{"cannings", "canning"}, Rule{"canning", "canning"},
    Rule{"howe", "howe"},      Rule{"proceed", "proceed"}, Rule{"exceed", "exceed"},    Rule{"succeed", "succeed"}};

constexpr std::array plurals{Rule{"sses", "ss"}, Rule{"ies", "i"}, Rule{"ss", "ss"}, Rule{"s", ""}};

constexpr std::array double_suffixes{
    Rule{"ational", "ate"}, Rule{"tional", "tion"}, Rule{"enci", "ence"}, Rule{"anci", "ance"}, Rule{"izer", "ize"},
    Rule{"bli", "ble"},     Rule{"alli", "al"},     Rule{"entli", "ent"}, Rule{"eli", "e"},     Rule{"ousli", "ous"},
    Rule{"ization", "ize"}, Rule{"ation", "ate"},   Rule{"ator", "ate"},  Rule{"alism", "al"},  Rule{"iveness", "ive"},
    Rule{"fulness", "ful"}, Rule{"ousness", "ous"}, Rule{"aliti", "al"},  Rule{"iviti", "ive"}, Rule{"biliti", "ble"},
    Rule{"fulli", "ful"}};

constexpr std::array adjectives{Rule{"icate", "ic"}, Rule{"ative", ""}, Rule{"alize", "al"}, Rule{"iciti", "ic"},
                                Rule{"ical", "ic"},  Rule{"ful", ""},   Rule{"ness", ""}};

constexpr std::array endings{Rule{"al", ""},   Rule{"ance", ""}, Rule{"ence", ""}, Rule{"er", ""},    Rule{"ic", ""},
                             Rule{"able", ""}, Rule{"ible", ""}, Rule{"ant", ""},  Rule{"ement", ""}, Rule{"ment", ""},
                             Rule{"ent", ""},  Rule{"ou", ""},   Rule{"ism", ""},  Rule{"ate", ""},   Rule{"iti", ""},
                             Rule{"ous", ""},  Rule{"ive", ""},  Rule{"ize", ""}};

/// Whether each letter is a consonant: y is one unless it follows one.
std::vector<bool> consonants(std::string_view word) {
    std::vector<bool> flags;
    for (const char letter : word) {
        const bool is_vowel = std::string_view("aeiou").find(letter) != std::string_view::npos;
        flags.push_back(!is_vowel && (letter != 'y' || flags.empty() || !flags.back()));
    }
    return flags;
}

/// Porter's m: how often a consonant follows a vowel.
std::size_t measure(std::string_view stem) {
    const std::vector<bool> flags = consonants(stem);
    std::size_t count = 0;
    for (std::size_t i = 1; i < flags.size(); ++i) {
        count += static_cast<std::size_t>(flags[i] && !flags[i - 1]);
    }
    return count;
}

bool has_vowel(std::string_view stem) {
    const std::vector<bool> flags = consonants(stem);
    return std::find(flags.begin(), flags.end(), false) != flags.end();
}

/// Porter's *o: consonant, vowel, consonant other than w, x, y; in NLTK also a whole stem of vowel and consonant.
bool ends_short(std::string_view stem) {
    const std::vector<bool> flags = consonants(stem);
    const std::size_t size = stem.size();
    if (size == 2) {
        return !flags[0] && flags[1];
    }
    return size > 2 && flags[size - 3] && !flags[size - 2] && flags[size - 1] &&
           std::string_view("wxy").find(stem.back()) == std::string_view::npos;
}

bool ends_double(std::string_view stem) {
    return stem.size() > 1 && stem.back() == stem[stem.size() - 2] && consonants(stem).back();
}

std::string_view without(std::string_view word, std::string_view suffix) {
    return word.substr(0, word.size() - suffix.size());
}

/// The first rule whose suffix the word has decides: it is applied where the stem's measure is at least `least`.
std::string apply(std::string word, std::span<const Rule> rules, std::size_t least) {
    for (const Rule & rule : rules) {
        if (word.ends_with(rule.suffix)) {
            if (least == 0 || measure(without(word, rule.suffix)) >= least) {
                word.replace(word.size() - rule.suffix.size(), rule.suffix.size(), rule.replacement);
            }
            return word;
        }
    }
    return word;
}

std::string without_plural(std::string word) {
    if (word.size() == 4 && word.ends_with("ies")) {
        word.pop_back();
        return word;
    }
    return apply(std::move(word), plurals, 0);
}

/// What is left of a past tense or a gerund gets the end of a whole word again.
std::string mended(std::string stem) {
    if (stem.ends_with("at") || stem.ends_with("bl") || stem.ends_with("iz")) {
        return stem + 'e';
    }
    if (ends_double(stem)) {
        if (std::string_view("lsz").find(stem.back()) == std::string_view::npos) {
            stem.pop_back();
        }
        return stem;
    }
    return measure(stem) == 1 && ends_short(stem) ? stem + 'e' : stem;
}

std::string without_tense(std::string word) {
    if (word.ends_with("ied")) {
        word.resize(word.size() - (word.size() == 4 ? 1 : 2));
        return word;
    }
    if (word.ends_with("eed")) {
        if (measure(without(word, "eed")) > 0) {
            word.pop_back();
        }
        return word;
    }
    for (const std::string_view suffix : {"ed", "ing"}) {
        if (word.ends_with(suffix) && has_vowel(without(word, suffix))) {
            return mended(std::string(without(word, suffix)));
        }
    }
    return word;
}

std::string with_final_i(std::string word) {
    if (word.size() > 2 && word.back() == 'y' && consonants(word)[word.size() - 2]) {
        word.back() = 'i';
    }
    return word;
}

std::string without_double_suffix(std::string word) {
    if (word.ends_with("alli") && measure(without(word, "alli")) > 0) {
        word.resize(word.size() - 2);
    }
    if (word.ends_with("logi")) {
        if (measure(without(word, "ogi")) > 0) {
            word.pop_back();
        }
        return word;
    }
    return apply(std::move(word), double_suffixes, 1);
}

std::string without_ending(std::string word) {
    if (word.ends_with("ion")) {
        const std::string_view stem = without(word, "ion");
        return measure(stem) > 1 && (stem.back() == 's' || stem.back() == 't') ? std::string(stem) : word;
    }
    return apply(std::move(word), endings, 2);
}

std::string without_final_e(std::string word) {
    if (word.ends_with('e')) {
        const std::string_view stem = without(word, "e");
        const std::size_t size = measure(stem);
        if (size > 1 || (size == 1 && !ends_short(stem))) {
            word.pop_back();
        }
    }
    if (word.ends_with("ll") && measure(without(word, "l")) > 1) {
        word.pop_back();
    }
    return word;
}

}  // namespace

std::string porter_stem(std::string word) {
    for (const Rule & known : irregular) {
        if (word == known.suffix) {
            return std::string(known.replacement);
        }
    }
    if (word.size() <= 2) {
        return word;
    }
    word = with_final_i(without_tense(without_plural(std::move(word))));
    word = apply(without_double_suffix(std::move(word)), adjectives, 1);
    return without_final_e(without_ending(std::move(word)));
}

}  // namespace snapkv::eval

#include "eval/haystack.h"

#include <algorithm>
#include <utility>

#include "eval/fail.h"

namespace snapkv::eval {
namespace {

constexpr std::size_t long_word = 24;  // bytes

bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Within a character of several bytes in UTF-8.
bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

std::vector<std::size_t> word_ends(std::string_view text) {
    constexpr std::size_t longest_character = 4;
    std::vector<std::size_t> ends;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const std::size_t length = at - begin;
        const bool cut =
            length >= long_word + longest_character || (length >= long_word && !continues_character(text[at]));
        if (is_white_space(text[at])) {
            if (at > begin) {
                ends.push_back(at);
            }
            begin = at + 1;
        } else if (cut) {
            ends.push_back(at);
            begin = at;
        }
    }
    if (begin < text.size()) {
        ends.push_back(text.size());
    }
    return ends;
}

/// A full stop between letters or digits ("3.5", "a.out") ends no sentence.
std::vector<std::size_t> full_stops(std::string_view text) {
    std::vector<std::size_t> ends;
    for (std::size_t at = text.find('.'); at != std::string_view::npos; at = text.find('.', at + 1)) {
        if (at + 1 == text.size() || !is_letter_or_digit(text[at + 1])) {
            ends.push_back(at + 1);
        }
    }
    return ends;
}

}  // namespace

Haystack::Haystack(std::string text, std::string name)
    : text_(std::move(text)), name_(std::move(name)), words_(word_ends(text_)), stops_(full_stops(text_)) {
    if (words_.empty()) {
        input_error("{}: found {} bytes without a single word, expected text to hide needles in", name_, text_.size());
    }
    if (!is_white_space(text_.back())) {
        text_ += ' ';
    }
}

std::size_t Haystack::bytes(std::size_t words) const {
    if (words == 0) {
        return 0;
    }
    const std::size_t copies = (words - 1) / words_.size();
    return copies * text_.size() + words_[(words - 1) % words_.size()];
}

std::string Haystack::first(std::size_t words) const {
    const std::size_t size = bytes(words);
    std::string result;
    result.reserve(size);
    while (result.size() < size) {
        result.append(text_, 0, std::min(text_.size(), size - result.size()));
    }
    return result;
}

std::size_t Haystack::words_within(std::size_t bytes) const {
    const auto within = std::upper_bound(words_.begin(), words_.end(), bytes % text_.size());
    return bytes / text_.size() * words_.size() + static_cast<std::size_t>(within - words_.begin());
}

std::size_t Haystack::sentence_end(std::size_t bytes) const {
    if (stops_.empty()) {
        return bytes;
    }
    const std::size_t copy = bytes / text_.size() * text_.size();
    const auto after = std::upper_bound(stops_.begin(), stops_.end(), bytes - copy);
    if (after != stops_.begin()) {
        return copy + *(after - 1);
    }
    return copy == 0 ? 0 : copy - text_.size() + stops_.back();
}

std::string single_spaced(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (const char c : text) {
        if (!is_white_space(c)) {
            result += c;
        } else if (!result.empty() && result.back() != ' ') {
            result += ' ';
        }
    }
    if (!result.empty() && result.back() == ' ') {
        result.pop_back();
    }
    return result;
}

std::vector<std::string_view> sentences(std::string_view text) {
    constexpr std::string_view enders = ".!?";
    constexpr std::string_view closers = "\"')]";
    std::vector<std::string_view> list;
    std::size_t begin = 0;
    for (std::size_t space = text.find(' '); space != std::string_view::npos; space = text.find(' ', space + 1)) {
        const std::string_view before = text.substr(begin, space - begin);
        const std::size_t last = before.find_last_not_of(closers);
        if (last != std::string_view::npos && enders.find(before[last]) != std::string_view::npos) {
            list.push_back(before);
            begin = space + 1;
        }
    }
    if (begin < text.size()) {
        list.push_back(text.substr(begin));
    }
    return list;
}

}  // namespace snapkv::eval

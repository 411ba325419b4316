#include "text/splitting.h"

#include <algorithm>
#include <array>

#include "base/raise.h"
#include "llama.h"
#include "text/utf8.h"

namespace snapkv::text {
namespace {

// A character of a match costs 320 bytes of stack with GCC 12 on x86-64, whatever the expression. Twice that leaves
// room for other compilers and processors; the stack is only address space until it is used.
constexpr std::size_t stack_per_character = 640;
// For all else that libllama's tokenizer calls: a dozen kilobytes, and the library's own frames.
constexpr std::size_t stack_for_the_rest = std::size_t{64} << 10U;
// Takes a third of a gigabyte while it is tokenised.
constexpr std::size_t longest_run = std::size_t{1} << 20U;
// Some seconds: a step is about 70 ns.
constexpr std::size_t most_steps = 100'000'000;
constexpr std::size_t short_run = 32;  // too short to count

bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_ascii(char c) {
    return static_cast<unsigned char>(c) < 0x80;
}

/// Whether a text begins with white space outside ASCII, as Unicode has it.
bool begins_with_wide_blank(std::string_view text) {
    constexpr std::array<std::string_view, 19> blanks{
        "\u0085", "\u00A0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
        "\u2007", "\u2008", "\u2009", "\u200A", "\u2028", "\u2029", "\u202F", "\u205F", "\u3000"};
    return !text.empty() && !is_ascii(text.front()) &&
           std::any_of(blanks.begin(), blanks.end(), [&](std::string_view blank) { return text.starts_with(blank); });
}

/// Whether the character that ends, or begins, at `offset` is surely none of white space.
bool is_text_before(std::string_view text, std::size_t offset) {
    if (is_ascii(text[offset - 1])) {
        return text[offset - 1] > ' ' && text[offset - 1] != 0x7F;
    }
    std::size_t begin = offset - 1;
    while (begin > 0 && offset - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0U) == 0x80U) {
        --begin;
    }
    return first_unit(text.substr(begin)).bytes == offset - begin && !begins_with_wide_blank(text.substr(begin));
}

bool is_text_at(std::string_view text, std::size_t offset) {
    return is_ascii(text[offset]) ? text[offset] > ' ' && text[offset] != 0x7F
                                  : !begins_with_wide_blank(text.substr(offset));
}

bool may_cut(std::string_view text, std::size_t offset, Cuts cuts) {
    if (offset < 2 || offset + 1 >= text.size()) {
        return false;
    }
    if (text[offset - 1] == '\n') {
        return is_text_before(text, offset - 1) && is_text_at(text, offset);
    }
    return cuts == Cuts::NewlinesAndBlanks && text[offset] == ' ' && is_letter(text[offset - 1]) &&
           is_letter(text[offset + 1]);
}

/// Whether no token of a SentencePiece vocabulary, which merges over a whole text, reaches over such a place.
Cuts cuts_of_spm(const Vocabulary & vocabulary) {
    constexpr std::string_view space = "\u2581";
    Cuts cuts = Cuts::NewlinesAndBlanks;
    for (Token token = 0; token < vocabulary.size(); ++token) {
        const std::string_view text = llama_vocab_get_text(vocabulary.raw(), token);
        const std::size_t newline = text.find('\n');
        // A line break that is looked for by itself is no neighbour to lean on either.
        if (newline != std::string_view::npos &&
            (text.find_first_not_of('\n', newline) != std::string_view::npos ||
             (llama_vocab_get_attr(vocabulary.raw(), token) & LLAMA_TOKEN_ATTR_USER_DEFINED) != 0)) {
            return Cuts::None;
        }
        for (std::size_t at = 1; (at = text.find(space, at)) != std::string_view::npos; at += space.size()) {
            if (is_letter(text[at - 1])) {
                cuts = Cuts::Newlines;
            }
        }
    }
    return cuts;
}

/// A run of bytes without a place at which every match has ended.
struct Run {
    std::size_t begin = 0;
    std::size_t bytes = 0;
};

/// A match takes at most text and then white space, or such a stretch and one character before it.
Run longest_stretch(std::string_view text) {
    Run longest;
    std::size_t begin = 0;
    for (std::size_t i = 1; i <= text.size(); ++i) {
        if (i == text.size() || (is_blank(text[i - 1]) && is_text_at(text, i))) {
            if (i - begin > longest.bytes) {
                longest = {.begin = begin, .bytes = i - begin};
            }
            begin = i;
        }
    }
    return longest;
}

/// The longest run of characters that are `wanted`.
template <typename Wanted>
Run longest_run_of(std::string_view text, Wanted wanted) {
    Run longest;
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i == text.size() || !wanted(text[i])) {
            if (i - begin > longest.bytes) {
                longest = {.begin = begin, .bytes = i - begin};
            }
            begin = i + 1;
        }
    }
    return longest;
}

/// The run of white space, or of digits, that begins at `offset`. A line break ends one: it is matched at once.
std::size_t slow_run_at(std::string_view text, std::size_t offset, Splitting::Slow::Kind kind) {
    std::size_t end = offset;
    if (kind == Splitting::Slow::Kind::Digits) {
        while (end < text.size() && is_digit(text[end])) {
            ++end;
        }
        return end - offset;
    }
    const auto is_line_break = [](char c) { return c == '\n' || c == '\r'; };
    while (end < text.size() && !is_line_break(text[end]) &&
           (is_blank(text[end]) || begins_with_wide_blank(text.substr(end)))) {
        end += is_ascii(text[end]) ? 1 : first_unit(text.substr(end)).bytes;
    }
    return end - offset;
}

void check_steps(const Splitting::Slow & slow, std::string_view text, std::string_view piece) {
    using Kind = Splitting::Slow::Kind;
    std::size_t steps = 0;
    for (std::size_t i = 0; i < piece.size(); ++i) {
        const std::size_t run = slow_run_at(piece, i, slow.kind);
        const std::size_t end = i + run;
        const bool counts = slow.kind != Kind::BlanksBeforeOther ||
                            (end < piece.size() && (is_digit(piece[end]) || !is_ascii(piece[end])));
        if (run > short_run && counts) {
            if (run > most_steps || (steps += run * run / slow.step) > most_steps) {
                raise_input(
                    "the text has too many {} in a row: {} of them, up to byte {}, would keep this tokenizer busy for "
                    "minutes",
                    slow.kind == Kind::Digits ? "digits" : "blanks", run,
                    static_cast<std::size_t>(piece.data() - text.data()) + end);
            }
        }
        i = run > 0 ? end - 1 : i;
    }
}

}  // namespace

Splitting splitting_of(const Vocabulary & vocabulary) {
    if (llama_vocab_type(vocabulary.raw()) == LLAMA_VOCAB_TYPE_SPM) {
        return {.cuts = cuts_of_spm(vocabulary)};
    }
    using Kind = Splitting::Slow::Kind;
    const std::string & name = vocabulary.pre_tokenizer();
    Splitting splitting{.cuts = Cuts::NewlinesAndBlanks, .recurses = true};
    if (name == "superbpe") {  // splits at numbers only
        splitting.cuts = Cuts::None;
        splitting.slow = {.kind = Kind::Digits};
    } else if (name == "gemma4" || name == "sarvam-moe") {  // split at line breaks only
        splitting.cuts = Cuts::Newlines;
    } else if (name == "exaone-moe") {
        splitting.cuts = Cuts::Newlines;
        splitting.words_hold_blanks = true;
    } else if (name == "deepseek-llm") {  // looks for white space at the end from each blank on
        splitting.slow = {.kind = Kind::BlanksBeforeOther};
    } else if (name == "jais-2") {  // looks for a line break behind all blanks, then takes 512
        splitting.slow = {.kind = Kind::Blanks, .step = 512};
    }
    return splitting;
}

std::string_view next_piece(std::string_view text, Cuts cuts, std::size_t wanted) {
    if (cuts == Cuts::None || text.size() <= wanted) {
        return text;
    }
    for (std::size_t offset = wanted; offset > wanted / 2; --offset) {
        if (may_cut(text, offset, cuts)) {
            return text.substr(0, offset);
        }
    }
    for (std::size_t offset = wanted + 1; offset < text.size(); ++offset) {
        if (may_cut(text, offset, cuts)) {
            return text.substr(0, offset);
        }
    }
    return text;
}

std::size_t stack_for(const Splitting & splitting, std::string_view text, std::string_view piece) {
    if (!splitting.recurses) {
        return stack_for_the_rest;
    }
    Run run = longest_stretch(piece);
    if (splitting.words_hold_blanks) {
        const Run words = longest_run_of(piece, [](char c) { return c == ' ' || is_letter(c) || !is_ascii(c); });
        run = words.bytes > run.bytes ? words : run;
    }
    if (run.bytes > longest_run) {
        raise_input("the text has {} bytes without a break, from byte {}; this tokenizer takes at most {}", run.bytes,
                    static_cast<std::size_t>(piece.data() - text.data()) + run.begin, longest_run);
    }
    if (splitting.slow) {
        check_steps(*splitting.slow, text, piece);
    }
    return stack_for_the_rest + run.bytes * stack_per_character;
}

}  // namespace snapkv::text

#include "text/splitting.h"

#include <algorithm>

#include "base/raise.h"
#include "llama-vocab.h"
#include "llama.h"
#include "text/characters.h"

namespace snapkv::text {
namespace {

// A character of a match costs 320 bytes of stack with GCC 12 on x86-64, whatever the expression. Twice that leaves
// room for other compilers and processors; the stack is only address space until it is used.
constexpr std::size_t stack_per_character = 640;
// For all else that libllama's tokenizer calls: a dozen kilobytes, and the library's own frames.
constexpr std::size_t stack_for_the_rest = std::size_t{64} << 10U;
// Takes a third of a gigabyte while it is tokenized.
constexpr std::size_t longest_run = std::size_t{1} << 20U;
// Some seconds: a step is about 70 ns.
constexpr std::size_t most_steps = 100'000'000;
constexpr std::size_t short_run = 32;  // too short to count

/// Whether white space begins at `offset`, if any does, in which there is a line break.
bool breaks_again(std::string_view text, std::size_t offset) {
    while (true) {
        const Character next = first_character(text.substr(offset));
        if (!next.is(character::Blank | character::White)) {
            return next.is(character::Break);
        }
        offset += next.bytes;
    }
}

/// Whether the text ends in line breaks, not too many to count, and no other white space before them.
bool ends_in_bare_breaks(std::string_view text) {
    constexpr int most = 64;
    for (int i = 0; i < most && !text.empty() && (text.back() == '\n' || text.back() == '\r'); ++i) {
        text.remove_suffix(1);
    }
    return last_character(text).is(character::any_text);
}

bool may_cut_white_space(std::string_view text, std::size_t offset, const Cuts & cuts) {
    const std::string_view left = text.substr(0, offset);
    const Character before = last_character(left);
    const Character after = first_character(text.substr(offset));
    if (!before.is(character::any_white)) {
        return false;
    }
    if (after.is(character::any_white)) {
        return first_character(text.substr(offset + after.bytes)).is(cuts.after_white);
    }
    return left.back() == '\n' &&
           (after.is(cuts.split_off) || last_character(left.substr(0, offset - 1)).is(character::any_text));
}

bool may_cut_at_line(std::string_view text, std::size_t offset, const Cuts & cuts) {
    const bool after_break = text[offset - 1] == '\n';
    switch (cuts.lines) {
        case Cuts::Lines::None:
            return false;
        case Cuts::Lines::AfterLastBreak:
            return after_break && !(cuts.breaks_take_slashes && text[offset] == '/') && !breaks_again(text, offset);
        case Cuts::Lines::AfterBreaks:
            return after_break && ends_in_bare_breaks(text.substr(0, offset));
        case Cuts::Lines::InWhiteSpace:
            return may_cut_white_space(text, offset, cuts);
        case Cuts::Lines::BeforeLetters:
            return last_character(text.substr(0, offset)).is(character::Break | character::White) &&
                   first_character(text.substr(offset)).is(character::Letter);
    }
    return false;
}

bool may_cut_at_blank(std::string_view text, std::size_t offset, Cuts::Blanks blanks) {
    if (blanks == Cuts::Blanks::None || text[offset] != ' ') {
        return false;
    }
    const Character before = last_character(text.substr(0, offset));
    const Character after = first_character(text.substr(offset + 1));
    return blanks == Cuts::Blanks::BetweenLetters ? before.is(character::Letter) && after.is(character::Letter)
                                                  : before.is_ascii_letter() && after.is_ascii_letter();
}

bool may_cut(std::string_view text, std::size_t offset, const Cuts & cuts) {
    const auto byte = static_cast<unsigned char>(text[offset]);
    if ((byte & 0xC0U) == 0x80U) {
        return false;  // within a character
    }
    if (cuts.before_digits && byte >= '0' && byte <= '9') {
        return !last_character(text.substr(0, offset)).is(character::Number);
    }
    return may_cut_at_line(text, offset, cuts) || may_cut_at_blank(text, offset, cuts.blanks);
}

/// A SentencePiece vocabulary merges over a whole text: where none of its tokens reaches over.
Cuts cuts_of_spm(const Vocabulary & vocabulary) {
    Cuts cuts{.lines = Cuts::Lines::AfterLastBreak, .blanks = Cuts::Blanks::BetweenLetters};
    for (Token token = 0; token < vocabulary.size(); ++token) {
        const std::string_view text = llama_vocab_get_text(vocabulary.raw(), token);
        const std::size_t newline = text.find('\n');
        // A line break that is looked for by itself is no neighbour to lean on either.
        if (newline != std::string_view::npos &&
            (text.find_first_not_of('\n', newline) != std::string_view::npos ||
             (llama_vocab_get_attr(vocabulary.raw(), token) & LLAMA_TOKEN_ATTR_USER_DEFINED) != 0)) {
            return {};
        }
        for (std::size_t at = 1; (at = text.find(visible_space, at)) != std::string_view::npos;
             at += visible_space.size()) {
            if (last_character(text.substr(0, at)).is(character::Letter)) {
                cuts.blanks = Cuts::Blanks::None;
            }
        }
    }
    return cuts;
}

Splitting splitting_of_bpe(llama_vocab_pre_type type) {
    using namespace character;
    using Lines = Cuts::Lines;
    using Blanks = Cuts::Blanks;
    // What a match may be made of, but for a character before it and a few behind.
    constexpr unsigned word = Letter | Mark;
    constexpr unsigned symbols = Other | Mark | Break;
    constexpr unsigned white = any_white;

    const Cuts usual{.lines = Lines::AfterLastBreak, .blanks = Blanks::BetweenLetters};
    const Cuts with_slashes{
        .lines = Lines::AfterLastBreak, .blanks = Blanks::BetweenLetters, .breaks_take_slashes = true};
    const auto gpt2 = [](unsigned split_off, unsigned after_white) {
        return Cuts{.lines = Lines::InWhiteSpace,
                    .split_off = split_off,
                    .after_white = after_white,
                    .blanks = Blanks::BetweenLetters};
    };
    switch (type) {
        // Split by loops.
        case LLAMA_VOCAB_PRE_TYPE_LLAMA3:
        case LLAMA_VOCAB_PRE_TYPE_DBRX:
        case LLAMA_VOCAB_PRE_TYPE_SMAUG:
        case LLAMA_VOCAB_PRE_TYPE_CHATGLM4:
        case LLAMA_VOCAB_PRE_TYPE_STABLELM2:
        case LLAMA_VOCAB_PRE_TYPE_QWEN2:
        case LLAMA_VOCAB_PRE_TYPE_HUNYUAN:
        case LLAMA_VOCAB_PRE_TYPE_SOLAR_OPEN:
        case LLAMA_VOCAB_PRE_TYPE_GROK_2:
        case LLAMA_VOCAB_PRE_TYPE_QWEN35:
        case LLAMA_VOCAB_PRE_TYPE_KIMI_K2:
        case LLAMA_VOCAB_PRE_TYPE_LAGUNA:
            return {.cuts = usual};
        case LLAMA_VOCAB_PRE_TYPE_GPT2:
        case LLAMA_VOCAB_PRE_TYPE_MPT:
        case LLAMA_VOCAB_PRE_TYPE_OLMO:
        case LLAMA_VOCAB_PRE_TYPE_JAIS:
        case LLAMA_VOCAB_PRE_TYPE_TRILLION:
        case LLAMA_VOCAB_PRE_TYPE_GRANITE_DOCLING:
            return {.cuts = gpt2(0, any_text)};
        case LLAMA_VOCAB_PRE_TYPE_GEMMA4:  // at line breaks only
        case LLAMA_VOCAB_PRE_TYPE_SARVAM_MOE:
            return {.cuts = {.lines = Lines::AfterLastBreak}};

        // One digit by an expression, then by loops.
        case LLAMA_VOCAB_PRE_TYPE_STARCODER:
        case LLAMA_VOCAB_PRE_TYPE_REFACT:
        case LLAMA_VOCAB_PRE_TYPE_COMMAND_R:
        case LLAMA_VOCAB_PRE_TYPE_SMOLLM:
        case LLAMA_VOCAB_PRE_TYPE_CODESHELL:
        case LLAMA_VOCAB_PRE_TYPE_EXAONE:
        case LLAMA_VOCAB_PRE_TYPE_MINERVA:
        case LLAMA_VOCAB_PRE_TYPE_MELLUM2:
            return {.cuts = gpt2(Number, Letter | Mark | Other)};
        case LLAMA_VOCAB_PRE_TYPE_CHAMELEON:  // and image tokens, line breaks and symbols one by one
            return {.cuts = usual, .matches = {Number}};

        // Punctuation by an expression, then by loops.
        case LLAMA_VOCAB_PRE_TYPE_FALCON:
            return {.cuts = gpt2(Punctuation, Letter | Number), .matches = {Other}};
        case LLAMA_VOCAB_PRE_TYPE_DEFAULT:
            return {.cuts = gpt2(Punctuation, Letter | Number), .matches = {Other, Number}};

        // By expressions.
        case LLAMA_VOCAB_PRE_TYPE_GPT4O:
        case LLAMA_VOCAB_PRE_TYPE_MINIMAX_M2:
        case LLAMA_VOCAB_PRE_TYPE_TEKKEN:
        case LLAMA_VOCAB_PRE_TYPE_GRANITE_EMB_MULTI:
        case LLAMA_VOCAB_PRE_TYPE_TINY_AYA:
            return {.cuts = with_slashes, .matches = {word, symbols, white}};
        case LLAMA_VOCAB_PRE_TYPE_YOUTU:
            return {.cuts = with_slashes, .matches = {word, symbols, white, Wide}};
        case LLAMA_VOCAB_PRE_TYPE_BAILINGMOE:
        case LLAMA_VOCAB_PRE_TYPE_SEED_CODER:
        case LLAMA_VOCAB_PRE_TYPE_UFAKZEKA:
        case LLAMA_VOCAB_PRE_TYPE_MINICPM5:
            return {.cuts = usual, .matches = {word, symbols, white}};
        case LLAMA_VOCAB_PRE_TYPE_JAIS2:  // looks for a line break behind all blanks, then takes 512
            return {.cuts = usual,
                    .matches = {word, symbols, white},
                    .slow = Splitting::Slow{.classes = Blank | White, .ended_by = Break, .step = 512}};
        case LLAMA_VOCAB_PRE_TYPE_DEEPSEEK3_LLM:
        case LLAMA_VOCAB_PRE_TYPE_HUNYUAN_DENSE:
        case LLAMA_VOCAB_PRE_TYPE_JOYAI_LLM:
        case LLAMA_VOCAB_PRE_TYPE_HY_V4:
        case LLAMA_VOCAB_PRE_TYPE_AFMOE:
            return {.cuts = usual, .matches = {word, symbols, white, Wide}};
        case LLAMA_VOCAB_PRE_TYPE_SPARK2_5:
            return {.cuts = {.lines = Lines::AfterBreaks, .blanks = Blanks::BetweenLetters},
                    .matches = {word, symbols, white, Wide}};
        case LLAMA_VOCAB_PRE_TYPE_EXAONE_MOE:  // words go on over single blanks
            return {.cuts = {.lines = Lines::AfterLastBreak}, .matches = {word | Blank, symbols, white}};
        case LLAMA_VOCAB_PRE_TYPE_DEEPSEEK_CODER:
            return {.cuts = usual, .matches = {word, symbols, Wide}};
        case LLAMA_VOCAB_PRE_TYPE_DEEPSEEK_LLM:  // its letters are a list; looks for the end of the text from each
                                                 // blank on
            return {.cuts = {.lines = Lines::AfterLastBreak, .blanks = Blanks::BetweenAsciiLetters},
                    .matches = {word, symbols, white, Wide, Number},
                    .slow = Splitting::Slow{.classes = Blank | White, .ended_by = Break | Ascii, .quick_at_end = true}};
        case LLAMA_VOCAB_PRE_TYPE_BLOOM:
        case LLAMA_VOCAB_PRE_TYPE_PORO:
        case LLAMA_VOCAB_PRE_TYPE_GPT3_FINNISH:
        case LLAMA_VOCAB_PRE_TYPE_VIKING:
            return {.cuts = {.lines = Lines::BeforeLetters, .blanks = Blanks::BetweenLetters}, .matches = {any_text}};
        case LLAMA_VOCAB_PRE_TYPE_SUPERBPE:
            return {.cuts = {.before_digits = true}, .matches = {Number}, .slow = Splitting::Slow{.classes = Number}};
        default:  // one that libllama has learnt since
            return {.matches = {any_text | any_white}};
    }
}

struct Run {
    std::size_t begin = 0;
    std::size_t characters = 0;
};

/// The longest run of characters of one of the sets of classes.
Run longest_match(std::string_view text, const std::vector<unsigned> & matches) {
    Run longest;
    std::vector<Run> runs(matches.size());
    for (std::size_t offset = 0; !matches.empty() && offset < text.size();) {
        const Character next = first_character(text.substr(offset));
        for (std::size_t i = 0; i < runs.size(); ++i) {
            if (!next.is(matches[i])) {
                runs[i].characters = 0;
                continue;
            }
            if (runs[i].characters++ == 0) {
                runs[i].begin = offset;
            }
            if (runs[i].characters > longest.characters) {
                longest = runs[i];
            }
        }
        offset += next.bytes;
    }
    return longest;
}

void check_steps(const Splitting::Slow & slow, std::string_view text, std::string_view piece) {
    const auto begin = static_cast<std::size_t>(piece.data() - text.data());
    std::size_t steps = 0;
    std::size_t run = 0;
    for (std::size_t offset = 0; offset <= piece.size();) {
        const Character next = first_character(piece.substr(offset));
        if (next.is(slow.classes)) {
            ++run;
        } else {
            const bool quick = next.bytes == 0 ? slow.quick_at_end : next.is(slow.ended_by);
            if (run > short_run && !quick && (run > most_steps || (steps += run * run / slow.step) > most_steps)) {
                raise_input(
                    "the text has {} {} in a row, ending at byte {}: this model's tokenizer would take minutes on them",
                    run, slow.classes == character::Number ? "digits" : "whitespace characters", begin + offset);
            }
            run = 0;
        }
        offset += std::max<std::size_t>(next.bytes, 1);
    }
}

}  // namespace

Splitting splitting_of(const Vocabulary & vocabulary) {
    return llama_vocab_type(vocabulary.raw()) == LLAMA_VOCAB_TYPE_SPM
               ? Splitting{.cuts = cuts_of_spm(vocabulary)}
               : splitting_of_bpe(vocabulary.raw()->get_pre_type());
}

std::string_view next_piece(std::string_view text, const Cuts & cuts, std::size_t wanted) {
    if (text.size() <= wanted) {
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
    const Run run = longest_match(piece, splitting.matches);
    if (run.characters > longest_run) {
        raise_input(
            "the text has {} characters without a break, starting at byte {}: this model's tokenizer can handle at "
            "most {}",
            run.characters, static_cast<std::size_t>(piece.data() - text.data()) + run.begin, longest_run);
    }
    if (splitting.slow) {
        check_steps(*splitting.slow, text, piece);
    }
    return stack_for_the_rest + run.characters * stack_per_character;
}

}  // namespace snapkv::text

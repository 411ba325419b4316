#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/fit.h"
#include "eval/haystack.h"
#include "eval/qa_data.h"
#include "eval/random.h"

namespace snapkv::eval {

/// The parts of a sample that the families of RULER's tasks differ in.
struct RulerPrompt {
    std::string document;  ///< ends before the newline that the question begins with
    std::string question;
    std::string answer_prefix;
    std::vector<std::string> answers;

    [[nodiscard]] std::string text() const { return document + question + answer_prefix; }
};

/// One question, at any size.
struct RulerMaker {
    std::function<RulerPrompt(std::size_t)> make;  ///< from a number of units; the same each time it is called
    std::size_t least = 1;                         ///< units
    std::size_t most = 0;                          ///< units
    std::string unit;                              ///< for messages, in the plural
};

/// Sizes that are not limited by what a prompt is made of: more units than any tokens.
inline constexpr std::size_t ruler_unlimited = std::size_t{1} << 40U;

/// RULER's filler, one unit of it.
inline constexpr std::string_view ruler_noise =
    "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";

/// `units` lines of filler and, anywhere between them, `lines` in their order.
[[nodiscard]] std::string mixed_lines(std::size_t units, std::span<const std::string> lines, Random & random,
                                      const std::function<std::string()> & filler);

enum class NiahHaystack { Noise, Essay, Needle };
enum class NiahKind { Words, Numbers, Uuids };

struct NiahShape {
    NiahHaystack haystack = NiahHaystack::Essay;
    NiahKind key = NiahKind::Words;
    NiahKind value = NiahKind::Numbers;
    std::size_t keys = 1;
    std::size_t values = 1;   ///< of each key
    std::size_t queries = 1;  ///< keys asked for
};

/// Units are words of the essays, or lines. `essays`, single-spaced, may be null for the other haystacks, and outlives
/// the maker. `budget` bounds what is read of it, in tokens.
[[nodiscard]] RulerMaker niah_maker(const NiahShape & shape, const Haystack * essays, std::size_t budget,
                                    const Random & random);

/// Variable tracking: one chain of 4 hops, after a worked example; units are lines of noise.
[[nodiscard]] RulerMaker tracing_maker(std::size_t budget, const TokenCount & count, Random random);

/// Common words: 10 words 30 times among others 3 times (6 and 1 below a length of 4096), after a worked example; units
/// are different words. Where all words of the list do not fill the budget, pairs of words stand for words throughout.
[[nodiscard]] RulerMaker common_words_maker(std::size_t length, std::size_t budget, const TokenCount & count,
                                            const Random & random);

/// Frequent words: made-up words with frequencies by rank in a zeta distribution, exponent 2; units are words before
/// rounding.
[[nodiscard]] RulerMaker frequent_words_maker(std::size_t budget, Random random);

/// A question among its own and other paragraphs; units are paragraphs. `data` outlives the maker.
[[nodiscard]] RulerMaker qa_maker(const QaData & data, std::size_t question, const Random & random);

}  // namespace snapkv::eval

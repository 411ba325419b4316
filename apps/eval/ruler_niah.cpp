#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "eval/fail.h"
#include "eval/ruler_prompt.h"
#include "eval/word_list.h"

namespace snapkv::eval {
namespace {

constexpr std::size_t least_number = 1000000;
constexpr std::size_t numbers = 9000000;  // all of seven digits
constexpr std::size_t depth_steps = 39;   // essays take needles at 40 depths, from 0 to 100 percent

/// Keys and values, none twice.
class Secrets {
public:
    std::string next(NiahKind kind, Random & random) {
        switch (kind) {
            case NiahKind::Words:
                return word_pair(words_.draw(random));
            case NiahKind::Numbers:
                return std::to_string(least_number + numbers_.draw(random));
            case NiahKind::Uuids:
                return uuid(random);
        }
        assert(false);
        return {};
    }

private:
    /// Version 4 of RFC 9562: 122 random bits, of which no two draws are alike.
    static std::string uuid(Random & random) {
        const std::uint64_t high = (random.bits() & ~0xF000ULL) | 0x4000ULL;
        const std::uint64_t low = (random.bits() & ~(0x3ULL << 62U)) | (0x2ULL << 62U);
        return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xFFFFU, high & 0xFFFFU,
                           low >> 48U, low & 0xFFFFFFFFFFFFULL);
    }

    DistinctNumbers words_{word_pair_count()};
    DistinctNumbers numbers_{numbers};
};

std::string_view plural_of(NiahKind kind) {
    switch (kind) {
        case NiahKind::Words:
            return "words";
        case NiahKind::Numbers:
            return "numbers";
        case NiahKind::Uuids:
            return "uuids";
    }
    assert(false);
    return {};
}

std::string needle_line(NiahKind kind, std::string_view key, std::string_view value) {
    return fmt::format("One of the special magic {} for {} is: {}.", plural_of(kind), key, value);
}

struct Needles {
    std::vector<std::string> lines;
    std::vector<std::string> asked;    ///< keys
    std::vector<std::string> answers;  ///< all values of these
};

Needles draw_needles(const NiahShape & shape, Secrets & secrets, Random & random) {
    Needles needles;
    std::vector<std::string> keys;
    std::vector<std::vector<std::string>> values;
    for (std::size_t i = 0; i < std::max(shape.keys, shape.queries); ++i) {
        keys.push_back(secrets.next(shape.key, random));
        values.emplace_back();
        for (std::size_t j = 0; j < shape.values; ++j) {
            values.back().push_back(secrets.next(shape.value, random));
            needles.lines.push_back(needle_line(shape.value, keys.back(), values.back().back()));
        }
    }
    random.shuffle(needles.lines);
    DistinctNumbers choice(keys.size());
    for (std::size_t i = 0; i < shape.queries; ++i) {
        const std::size_t key = choice.draw(random);
        needles.asked.push_back(keys[key]);
        needles.answers.insert(needles.answers.end(), values[key].begin(), values[key].end());
    }
    return needles;
}

/// Needles at so many of the 40 depths, counted in sentences.
std::string essay_context(const std::string & text, const std::vector<std::string> & needles, Random & random) {
    const std::vector<std::string_view> essay = sentences(text);
    DistinctNumbers depths(depth_steps + 1);
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < needles.size(); ++i) {
        const double percent = std::round(100.0 * static_cast<double>(depths.draw(random)) / depth_steps);
        places.push_back(static_cast<std::size_t>(static_cast<double>(essay.size()) * percent / 100));
    }
    std::sort(places.begin(), places.end());
    std::string context;
    const auto append = [&](std::string_view sentence) {
        context += context.empty() ? "" : " ";
        context += sentence;
    };
    std::size_t next = 0;
    for (std::size_t i = 0; i <= essay.size(); ++i) {
        for (; next < needles.size() && places[next] == i; ++next) {
            append(needles[next]);
        }
        if (i < essay.size()) {
            append(essay[i]);
        }
    }
    return context;
}

/// Lines of noise, or of needles that nobody asks for, with the needles among them.
std::string lines_context(const NiahShape & shape, std::size_t units, const std::vector<std::string> & needles,
                          Secrets & secrets, Random & random) {
    return mixed_lines(units, needles, random, [&] {
        if (shape.haystack == NiahHaystack::Noise) {
            return std::string(ruler_noise);
        }
        const std::string key = secrets.next(shape.key, random);
        return needle_line(shape.value, key, secrets.next(shape.value, random));
    });
}

/// "a, b, and c".
std::string enumeration(const std::vector<std::string> & words) {
    std::string text = words.front();
    for (std::size_t i = 1; i < words.size(); ++i) {
        text += (i + 1 == words.size() ? ", and " : ", ") + words[i];
    }
    return text;
}

RulerPrompt prompt_of(const NiahShape & shape, const std::string & context, Needles needles) {
    const bool one = needles.answers.size() == 1;
    const std::string_view plural = plural_of(shape.value);
    const std::string_view kind = one ? plural.substr(0, plural.size() - 1) : plural;
    const std::string asked =
        fmt::format("special magic {} for {} mentioned in the provided text", kind, enumeration(needles.asked));
    RulerPrompt prompt;
    prompt.document = fmt::format(
        "{} special magic {} {} hidden within the following text. Make sure to memorize it. I will quiz you about the "
        "{} afterwards.\n{}",
        one ? "A" : "Some", kind, one ? "is" : "are", kind, context);
    prompt.question = fmt::format("\n{} the {}?", one ? "What is" : "What are all", asked);
    prompt.answer_prefix = fmt::format(" The {} {}", asked, one ? "is" : "are");
    prompt.answers = std::move(needles.answers);
    return prompt;
}

}  // namespace

RulerMaker niah_maker(const NiahShape & shape, const Haystack * essays, std::size_t budget, const Random & random) {
    assert(essays != nullptr || shape.haystack != NiahHaystack::Essay);
    RulerMaker maker;
    maker.make = [=](std::size_t units) {
        Random draws = random;
        Secrets secrets;
        Needles needles = draw_needles(shape, secrets, draws);
        const std::string context = shape.haystack == NiahHaystack::Essay
                                        ? essay_context(essays->first(units), needles.lines, draws)
                                        : lines_context(shape, units, needles.lines, secrets, draws);
        return prompt_of(shape, context, std::move(needles));
    };
    switch (shape.haystack) {
        case NiahHaystack::Essay:
            maker.most = std::max(maker.least, essays->words_within(budget * Haystack::most_token_bytes));
            maker.unit =
                fmt::format("words within {} bytes of {}", budget * Haystack::most_token_bytes, essays->name());
            break;
        case NiahHaystack::Noise:
            maker.most = ruler_unlimited;
            break;
        case NiahHaystack::Needle:
            maker.most = word_pair_count() - std::max(shape.keys, shape.queries);
            maker.unit = "different keys";
            break;
    }
    return maker;
}

}  // namespace snapkv::eval

#include <fmt/ranges.h>

#include <algorithm>

#include "eval/ruler_prompt.h"

namespace snapkv::eval {
namespace {

constexpr std::size_t hops = 4;
constexpr std::size_t name_letters = 5;
constexpr std::size_t example_letters = 3;
constexpr std::size_t example_tokens = 500;

/// One number handed from variable to variable.
struct Chain {
    std::vector<std::string> names;
    std::string value;
};

Chain draw_chain(std::size_t letters, Random & random) {
    constexpr std::size_t least_value = 10000;
    constexpr std::size_t values = 90000;
    Chain chain;
    chain.value = std::to_string(least_value + random.below(values));
    while (chain.names.size() < hops + 1) {
        std::string name;
        for (std::size_t i = 0; i < letters; ++i) {
            name += static_cast<char>('A' + random.below(26));
        }
        if (std::find(chain.names.begin(), chain.names.end(), name) == chain.names.end()) {
            chain.names.push_back(std::move(name));
        }
    }
    return chain;
}

std::vector<std::string> assignments(const Chain & chain) {
    std::vector<std::string> lines{fmt::format("VAR {} = {}", chain.names[0], chain.value)};
    for (std::size_t i = 1; i < chain.names.size(); ++i) {
        lines.push_back(fmt::format("VAR {} = VAR {} ", chain.names[i], chain.names[i - 1]));
    }
    return lines;
}

RulerPrompt prompt_of(const Chain & chain, std::size_t units, Random & random) {
    RulerPrompt prompt;
    prompt.document =
        fmt::format("Memorize and track the chain(s) of variable assignment hidden in the following text.\n\n{}",
                    mixed_lines(units, assignments(chain), random, [] { return std::string(ruler_noise); }));
    prompt.question =
        fmt::format("\nQuestion: Find all variables that are assigned the value {} in the text above.", chain.value);
    prompt.answer_prefix = fmt::format(
        " Answer: According to the chain(s) of variable assignment in the text above, {} variables are assigned the "
        "value {}, they are: ",
        chain.names.size(), chain.value);
    prompt.answers = chain.names;
    return prompt;
}

/// A smaller problem of the same kind with its answer, at most `budget` tokens.
std::string example(const Chain & chain, std::size_t budget, const TokenCount & count, const Random & random) {
    const auto text = [&](std::size_t units) {
        Random draws = random;
        const RulerPrompt prompt = prompt_of(chain, units, draws);
        return fmt::format("{} {}\n\n", prompt.text(), fmt::join(prompt.answers, " "));
    };
    FitRequest request;
    request.budget = budget;
    request.most = ruler_unlimited;
    return text(fit_units(request, [&](std::size_t units) { return count(text(units)); }).units);
}

}  // namespace

RulerMaker tracing_maker(std::size_t budget, const TokenCount & count, Random random) {
    const Chain chain = draw_chain(name_letters, random);
    Chain shown = draw_chain(example_letters, random);
    while (shown.value == chain.value) {
        shown = draw_chain(example_letters, random);
    }
    // A quarter where 500 tokens would leave the question itself little room.
    const std::string before = example(shown, std::min(example_tokens, budget / 4), count, random);
    RulerMaker maker;
    maker.make = [=](std::size_t units) {
        Random draws = random;
        RulerPrompt prompt = prompt_of(chain, units, draws);
        prompt.document = before + prompt.document;
        return prompt;
    };
    maker.most = ruler_unlimited;
    return maker;
}

}  // namespace snapkv::eval

#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace snapkv::eval {

/// The number of tokens of a text, as the model's tokenizer has it.
using TokenCount = std::function<std::size_t(std::string_view)>;

/// Prompts come in units of whatever fills them: words of a haystack, lines, documents.
struct FitRequest {
    std::size_t budget = 0;  ///< tokens that the prompt may have
    std::size_t least = 0;   ///< units
    std::size_t most = 0;    ///< units
    std::size_t guess = 0;   ///< units of a prompt much like it, 0 for none
    std::size_t slack = 3;   ///< tokens below the budget that are near enough
};

struct Fit {
    std::size_t units = 0;
    std::size_t tokens = 0;  ///< above the budget only where the least number of units is
};

/// The most units within the budget, or fewer where they come within the slack of it. `tokens_of` states a prompt's
/// tokens and grows with its units, by and large; it tokenizes whole prompts, so it is asked seldom: about five times
/// near the full length, once or twice after a good guess.
[[nodiscard]] Fit fit_units(const FitRequest & request, const std::function<std::size_t(std::size_t)> & tokens_of);

}  // namespace snapkv::eval

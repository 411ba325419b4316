#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include "select/cluster.h"

namespace snapkv {

/// Shapes of votes that trouble a selection in different ways.
enum class Votes {
    Attention,  ///< exponentials over nearly 50 orders of magnitude, as a softmax leaves them, denormals included
    FewValues,  ///< multiples of 1/8: most scores tie, and float arithmetic on them is exact
    Zeros,
    WithNaN,  ///< few values, one in twenty not a number
};

inline std::vector<float> random_votes(Votes kind, std::size_t count, std::mt19937 & random) {
    std::uniform_real_distribution<float> exponent(-110.0F, 0.0F);
    std::uniform_int_distribution<int> eighths(0, 4);
    std::uniform_int_distribution<int> twentieths(0, 19);
    std::vector<float> votes(count);
    for (float & vote : votes) {
        switch (kind) {
            case Votes::Attention:
                vote = std::exp(exponent(random));
                break;
            case Votes::FewValues:
                vote = static_cast<float>(eighths(random)) / 8;
                break;
            case Votes::Zeros:
                vote = 0;
                break;
            case Votes::WithNaN:
                vote = twentieths(random) == 0 ? std::numeric_limits<float>::quiet_NaN()
                                               : static_cast<float>(eighths(random)) / 8;
                break;
        }
    }
    return votes;
}

/// Words of about `word` tokens, lines of about twenty.
inline std::vector<select::Mark> random_marks(std::size_t count, std::mt19937 & random, int word = 5) {
    std::uniform_int_distribution<int> words(1, word);
    std::uniform_int_distribution<int> twentieths(0, 19);
    std::vector<select::Mark> marks(count);
    for (select::Mark & mark : marks) {
        mark.begins_word = words(random) == 1;
        mark.ends_line = twentieths(random) == 0;
    }
    return marks;
}

}  // namespace snapkv

#pragma once

#include <string_view>

namespace snapkv::eval {

/// Which number of a prediction is its answer.
enum class WhichNumber {
    Last,   ///< LongEval's own rule
    First,  ///< for a prediction that goes on from the words before the number, and may then say more
};

/// 1 where the prediction's number is the expected one, 0 else: LongEval's accuracy on lines. Zeros in front do not
/// count, as LongEval compares integers.
[[nodiscard]] double number_right(std::string_view prediction, std::string_view expected, WhichNumber which);

/// The share of the expected number's digits that the prediction's number has at the same place, counted from the
/// left and without zeros in front: 0.8 for 1456 in the place of 14564. Further digits are not held against it.
[[nodiscard]] double digits_right(std::string_view prediction, std::string_view expected, WhichNumber which);

}  // namespace snapkv::eval

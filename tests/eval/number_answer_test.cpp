#include "eval/number_answer.h"

#include <gtest/gtest.h>

namespace snapkv::eval {
namespace {

constexpr WhichNumber last = WhichNumber::Last;
constexpr WhichNumber first = WhichNumber::First;

TEST(NumberAnswer, IsRightWhereTheNumbersAreEqual) {
    EXPECT_EQ(number_right("The <REGISTER_CONTENT> is <7529>.", "7529", last), 1);
    EXPECT_EQ(number_right("7528", "7529", last), 0);
    EXPECT_EQ(number_right("75290", "7529", last), 0);
    EXPECT_EQ(number_right("07529", "7529", last), 1);
    EXPECT_EQ(number_right("0", "0", last), 1);
    EXPECT_EQ(number_right("00", "0", last), 1);
    EXPECT_EQ(number_right("７５２９", "7529", last), 1);
}

TEST(NumberAnswer, LooksAtOneNumberOnly) {
    EXPECT_EQ(number_right("line 3 has 7529", "7529", last), 1);
    EXPECT_EQ(number_right("line 3 has 7529", "7529", first), 0);
    EXPECT_EQ(number_right("7529>\nline b: <12", "7529", last), 0);
    EXPECT_EQ(number_right("7529>\nline b: <12", "7529", first), 1);
}

TEST(NumberAnswer, NeedsNumbers) {
    EXPECT_EQ(number_right("", "7529", last), 0);
    EXPECT_EQ(number_right("none", "none", last), 0);
    EXPECT_EQ(digits_right("", "7529", last), 0);
    EXPECT_EQ(digits_right("7529", "", last), 0);
}

TEST(NumberAnswer, CountsDigitsByTheirPlace) {
    EXPECT_DOUBLE_EQ(digits_right("1456>", "14564", first), 0.8);
    EXPECT_DOUBLE_EQ(digits_right("14654", "14564", last), 0.6);
    EXPECT_DOUBLE_EQ(digits_right("4564", "14564", last), 0.0);  // every digit one place too early
    EXPECT_DOUBLE_EQ(digits_right("145641", "14564", last), 1);
    EXPECT_DOUBLE_EQ(digits_right("014564", "14564", last), 1);
    EXPECT_DOUBLE_EQ(digits_right("9 14564", "14564", first), 0);
}

}  // namespace
}  // namespace snapkv::eval

#include "eval/number_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace snapkv::eval {
namespace {

TEST(NumberText, HasTheDigitsOfItsStep) {
    EXPECT_EQ(number_text(0.3, 0.1, NumberStyle::Plain), "0.3");
    EXPECT_EQ(number_text(1, 0.05, NumberStyle::Plain), "1.00");
    EXPECT_EQ(number_text(-0.0, 1, NumberStyle::Plain), "0");
    EXPECT_EQ(number_text(-0.001, 0.01, NumberStyle::Plain), "0.00");
    EXPECT_EQ(number_text(-1234.5, 0.5, NumberStyle::Plain), "-1,234.5");
    EXPECT_EQ(number_text(123, 1, NumberStyle::Plain), "123");
    EXPECT_EQ(number_text(30000000, 10000000, NumberStyle::Plain), "3e7");
    EXPECT_EQ(number_text(0.00015, 0.00005, NumberStyle::Plain), "1.5e-4");
    EXPECT_EQ(number_text(0.45, 0.05, NumberStyle::Percent), "45 %");
    EXPECT_EQ(number_text(4096, 1, NumberStyle::Tokens), "4K");
    EXPECT_EQ(number_text(380000, 1, NumberStyle::Tokens), "380,000");
    EXPECT_EQ(number_text(1000, 1, NumberStyle::Tokens), "1,000");
    EXPECT_EQ(number_text(1 << 21, 1, NumberStyle::Tokens), "2M");
    EXPECT_EQ(number_text(1536, 512, NumberStyle::Bytes), "1.5 KiB");
}

TEST(NumberText, ValuesKeepTheirOwnDigits) {
    EXPECT_EQ(value_text(0.87314, NumberStyle::Plain), "0.8731");
    EXPECT_EQ(value_text(0.5, NumberStyle::Percent), "50 %");
    EXPECT_EQ(value_text(4096, NumberStyle::Tokens), "4,096");
    EXPECT_EQ(value_text(5 << 19, NumberStyle::Bytes), "2.5 MiB");
    EXPECT_EQ(short_number(0, 3), "0");
    EXPECT_EQ(short_number(1e-300, 3), "1e-300");
    EXPECT_EQ(short_number(-123456.7, 3), "-123,457");
    EXPECT_EQ(short_number(std::numeric_limits<double>::max(), 3), "1.8e308");
}

}  // namespace
}  // namespace snapkv::eval

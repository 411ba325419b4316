#include "eval/needle_rouge.h"

#include <gtest/gtest.h>

namespace snapkv::eval {
namespace {

constexpr const char * needle =
    "\nThe best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a sunny day.\n";  // 21 words

TEST(NeedleRouge, ComparesTheWholeNeedle) {
    EXPECT_DOUBLE_EQ(needle_rouge_1(needle, needle), 1);
    // All 12 words are right, of the needle's 21: 24 / 33. rouge-score 0.1.2 says so too.
    EXPECT_NEAR(needle_rouge_1("eat a sandwich and sit in Dolores Park on a sunny day.", needle), 24.0 / 33, 1e-14);
    EXPECT_NEAR(needle_rouge_1("The best thing to do in San Francisco is to eat sandwiches.", needle), 2.0 / 3, 1e-14);
}

TEST(NeedleRouge, StemsWordsOfMoreThanThreeCharacters) {
    // eat, sandwich, sit, in, dolor, park: 6 of 6 and of 21. Each is another form in the prediction.
    EXPECT_NEAR(needle_rouge_1("Eating sandwiches, sitting in DOLORES park!", needle), 12.0 / 27, 1e-14);
    EXPECT_EQ(needle_rouge_1("dos", "do"), 0);
    EXPECT_EQ(needle_rouge_1("cars", "car"), 1);
}

TEST(NeedleRouge, CountsAWordAsOftenAsBothHaveIt) {
    EXPECT_NEAR(needle_rouge_1("in in in", needle), 4.0 / 24, 1e-14);  // twice in the needle
}

TEST(NeedleRouge, SplitsAtWhatIsNoAsciiLetterOrDigit) {
    EXPECT_DOUBLE_EQ(needle_rouge_1("na ve caf park", "naïve café_park"), 1);
    EXPECT_DOUBLE_EQ(needle_rouge_1("park 3rd 2024 s", "Parks 3rd 2024's"), 1);
}

TEST(NeedleRouge, IsZeroWithoutWords) {
    EXPECT_EQ(needle_rouge_1("", needle), 0);
    EXPECT_EQ(needle_rouge_1("...", needle), 0);
    EXPECT_EQ(needle_rouge_1("é", "é"), 0);
    EXPECT_EQ(needle_rouge_1("", ""), 0);
}

}  // namespace
}  // namespace snapkv::eval

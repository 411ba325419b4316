#include "eval/string_match.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace snapkv::eval {
namespace {

using Texts = std::vector<std::string>;

TEST(StringMatch, AllCountsTheReferencesThatOccur) {
    EXPECT_EQ(match_all("the RED car", Texts{"Red"}), 1);
    EXPECT_EQ(match_all("the RED car", Texts{"Red", "blue"}), 0.5);
    EXPECT_EQ(match_all("redder", Texts{"red", "red", "blue", "green"}), 0.5);
    EXPECT_EQ(match_all("", Texts{"red"}), 0);
}

TEST(StringMatch, PartTakesAnyReference) {
    EXPECT_EQ(match_part("the RED car", Texts{"blue", "Red"}), 1);
    EXPECT_EQ(match_part("the RED car", Texts{"blue"}), 0);
    EXPECT_EQ(match_part("", Texts{"red"}), 0);
}

TEST(StringMatch, LowersBeyondAscii) {
    EXPECT_EQ(match_all("ПРИВЕТ", Texts{"привет"}), 1);
    EXPECT_EQ(match_part("école", Texts{"ÉCOLE"}), 1);
}

TEST(StringMatch, OfNoReferences) {
    EXPECT_EQ(match_all("red", {}), 0);
    EXPECT_EQ(match_part("red", {}), 0);
    EXPECT_EQ(match_all("red", Texts{""}), 1);
}

}  // namespace
}  // namespace snapkv::eval

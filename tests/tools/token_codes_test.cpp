// Codes of tokens: all different, and as far apart as promised, counted pair by pair.
#include "synthetic/token_codes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <vector>

namespace snapkv::test {
namespace {

using synthetic::TokenCodes;

std::vector<std::uint32_t> words(std::uint32_t tokens, std::uint32_t first, std::uint32_t count) {
    const TokenCodes codes(tokens);
    std::vector<std::uint32_t> list;
    for (std::uint32_t token = first; token < first + count; ++token) {
        list.push_back(codes.word(token));
    }
    return list;
}

/// The least number of elements in which two of the words differ.
int least_distance(const std::vector<std::uint32_t> & list) {
    int least = 32;
    for (std::size_t one = 0; one < list.size(); ++one) {
        for (std::size_t other = 0; other < one; ++other) {
            least = std::min(least, std::popcount(list[one] ^ list[other]));
        }
    }
    return least;
}

TEST(TokenCodes, DifferInEightElementsInUsualVocabularies) {
    EXPECT_EQ(least_distance(words(65'536, 0, 3000)), 8);
    EXPECT_EQ(least_distance(words(49'152, 46'152, 3000)), 8);
}

TEST(TokenCodes, DifferInSixElementsInLargerOnes) {
    EXPECT_EQ(least_distance(words(65'537, 62'537, 3000)), 6);
    EXPECT_EQ(least_distance(words(262'144, 0, 3000)), 6);
}

TEST(TokenCodes, AreDifferentForAllTokens) {
    for (const std::uint32_t tokens : {65'536U, synthetic::kMostCodes}) {
        std::vector<std::uint32_t> list = words(tokens, 0, tokens);
        std::sort(list.begin(), list.end());
        EXPECT_EQ(std::adjacent_find(list.begin(), list.end()), list.end()) << tokens;
    }
}

// By the weights of a self-dual code of length 32 (620 of weight 8, 13,888 of 12): every word's neighbours are many.
TEST(TokenCodes, HaveTheWeightsOfTheirCode) {
    const std::vector<std::uint32_t> list = words(65'536, 0, 65'536);
    std::vector<int> counts(33);
    for (const std::uint32_t word : list) {
        ++counts[static_cast<std::size_t>(std::popcount(word ^ list[12'345]))];
    }
    EXPECT_EQ(counts[0], 1);
    EXPECT_EQ(counts[8], 620);
    EXPECT_EQ(counts[12], 13'888);
    EXPECT_EQ(counts[16], 36'518);
    EXPECT_EQ(counts[20], 13'888);
    EXPECT_EQ(counts[24], 620);
    EXPECT_EQ(counts[32], 1);
}

TEST(TokenCodes, ElementsAreTheBitsOfTheWord) {
    const TokenCodes codes(49'152);
    for (std::uint32_t element = 0; element < synthetic::kCodeSize; ++element) {
        EXPECT_EQ(codes.element(17, element), (codes.word(17) >> element) % 2 == 1 ? -1.0F : 1.0F);
    }
}

}  // namespace
}  // namespace snapkv::test

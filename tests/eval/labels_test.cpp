#include "eval/labels.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace snapkv::eval {
namespace {

const std::vector<std::string> classes = {"Food", "Date", "Code", "Zip Code"};

TEST(Classification, SharesTheScoreAmongTheClassesNamed) {
    EXPECT_EQ(classification_score("Date", "Date", classes), 1);
    EXPECT_EQ(classification_score("It is a Date.", "Date", classes), 1);
    EXPECT_EQ(classification_score("Food or Date", "Date", classes), 0.5);
    EXPECT_EQ(classification_score("Food", "Date", classes), 0);
}

TEST(Classification, IsZeroWhereNothingIsNamed) {
    EXPECT_EQ(classification_score("", "Date", classes), 0);
    EXPECT_EQ(classification_score("date", "Date", classes), 0);
    EXPECT_EQ(classification_score("Date", "Date", {}), 0);
    EXPECT_EQ(classification_score("Person", "Person", classes), 0);  // the reference is no class
}

TEST(Classification, DoesNotCountPartsOfTheReference) {
    EXPECT_EQ(classification_score("Zip Code", "Zip Code", classes), 1);
    EXPECT_EQ(classification_score("Zip Code", "Code", classes), 0.5);
}

// "A" is removed while the original walks through the list, which makes it pass over "B".
TEST(Classification, PassesOverTheClassAfterARemovedOne) {
    EXPECT_EQ(classification_score("A B C", "A B C", std::vector<std::string>{"A", "B", "A B C"}), 0.5);
    EXPECT_EQ(classification_score("A B C", "A B C", std::vector<std::string>{"A", "A B C", "B"}), 1);
    EXPECT_EQ(classification_score("A B", "A B", std::vector<std::string>{"A", "A", "A B"}), 0.5);
}

TEST(Count, IsTheShareOfRightNumbers) {
    EXPECT_EQ(count_score("5", "5"), 1);
    EXPECT_DOUBLE_EQ(count_score("5 of 5 or 6", "5"), 2.0 / 3);
    EXPECT_EQ(count_score("3.5", "3"), 0.5);
    EXPECT_EQ(count_score("05", "5"), 0);
    EXPECT_EQ(count_score("five", "5"), 0);
    EXPECT_EQ(count_score("", "5"), 0);
    EXPECT_EQ(count_score("٥ 5", "5"), 0.5);  // an Arabic five is a number, but written otherwise
}

TEST(Retrieval, ComparesWithTheParagraphsNumber) {
    EXPECT_EQ(retrieval_score("Paragraph 19", "Paragraph 19"), 1);
    EXPECT_EQ(retrieval_score("19, not 20", "Paragraph 19"), 0.5);
    EXPECT_EQ(retrieval_score("Paragraph 1", "Paragraph 19"), 0);
    EXPECT_EQ(retrieval_score("none", "Paragraph 19"), 0);
    EXPECT_EQ(retrieval_score("7", "7"), 0);  // a reference of another form
}

TEST(Retrieval, FindsTheParagraphsNumber) {
    EXPECT_EQ(paragraph_number("Paragraph 19"), U"19");
    EXPECT_EQ(paragraph_number("Paragraph X, Paragraph 7 and Paragraph 8"), U"7");
    EXPECT_EQ(paragraph_number("Paragraph "), std::nullopt);
    EXPECT_EQ(paragraph_number("paragraph 7"), std::nullopt);
}

}  // namespace
}  // namespace snapkv::eval

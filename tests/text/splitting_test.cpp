#include "text/splitting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gguf/pre_tokenizers.h"
#include "pre_tokenizer_groups.h"
#include "support/sanitizers.h"
#include "text/plain_text.h"
#include "tiny_loaded.h"
#include "vocabularies.h"

namespace snapkv::text {
namespace {

/// Awkward texts one after the other, always the same for a seed.
class AwkwardText {
public:
    explicit AwkwardText(std::uint32_t seed, std::vector<std::string> parts = test::awkward_texts())
        : state_(seed), parts_(std::move(parts)) {}

    std::string next(int count) {
        std::string text;
        for (int i = 0; i < count; ++i) {
            state_ = state_ * 1664525U + 1013904223U;
            text += parts_[(state_ >> 8U) % parts_.size()];
        }
        return text;
    }

private:
    std::uint32_t state_;
    std::vector<std::string> parts_;
};

/// The text cut wherever it may be cut.
std::vector<std::string_view> smallest_pieces(std::string_view text, const Cuts & cuts) {
    std::vector<std::string_view> pieces;
    while (!text.empty()) {
        pieces.push_back(next_piece(text, cuts, 1));
        text.remove_prefix(pieces.back().size());
    }
    return pieces;
}

std::vector<Token> tokens_of_pieces(const Vocabulary & vocabulary, const std::vector<std::string_view> & pieces) {
    std::vector<Token> all;
    for (const std::string_view & piece : pieces) {
        const std::vector<Token> tokens =
            &piece == pieces.data() ? vocabulary.tokenize(piece, false, false) : continue_text(vocabulary, piece);
        all.insert(all.end(), tokens.begin(), tokens.end());
    }
    return all;
}

/// Expects the tokens of the whole, and returns how many pieces there were.
std::size_t expect_same_tokens(const Vocabulary & vocabulary, const std::string & text) {
    const std::vector<std::string_view> pieces = smallest_pieces(text, splitting_of(vocabulary).cuts);
    EXPECT_EQ(tokens_of_pieces(vocabulary, pieces), test::libllama_tokens(vocabulary, text, false, false))
        << testing::PrintToString(pieces);
    return pieces.size();
}

class Pieces : public testing::TestWithParam<gguf::PreTokenizer> {
protected:
    static std::string name() { return std::string(GetParam().name); }
    /// Loaded once for all tests.
    static const Vocabulary & merging(const std::string & name) {
        static std::map<std::string, Vocabulary> loaded;
        const auto found = loaded.find(name);
        return found != loaded.end()
                   ? found->second
                   : loaded.emplace(name, test::load(test::merging_tiny(name, test::group_of(name).raw_utf8)))
                         .first->second;
    }
};

TEST_P(Pieces, GiveTheTokensOfTheWhole) {
    const Vocabulary & vocabulary = merging(name());
    // As many for those that share their expressions as for one that has its own.
    const int texts = (test::kSanitized ? 60 : 400) / static_cast<int>(test::group_of(name()).names.size());
    AwkwardText awkward(static_cast<std::uint32_t>(std::hash<std::string>()(name())));
    std::size_t pieces = 0;
    for (int i = 0; i < texts && !HasFailure(); ++i) {
        pieces += expect_same_tokens(vocabulary, awkward.next(30));
    }
    EXPECT_GT(pieces, static_cast<std::size_t>(texts) * 3 / 2);
}

// Each of these was once cut into other tokens than libllama's.
TEST_P(Pieces, MayNotBeginWithinAWord) {
    const Vocabulary & vocabulary = merging(name());
    for (const char * text : {"a;\n//a;\n/a", "a.\n(a|\n|a)\n)a", "a a\na a\n\na a\n1 a", "a\n \n\u3000a\r\n\r\n  1"}) {
        expect_same_tokens(vocabulary, text);
    }
}

// Else Ctrl-C has to wait, and a file that is far too long is tokenized whole.
TEST_P(Pieces, AreFoundInOrdinaryText) {
    if (name() == "superbpe") {
        GTEST_SKIP() << "splits at numbers only";
    }
    const Vocabulary & vocabulary = merging(name());
    const std::vector<std::pair<const char *, std::string>> texts{
        {"English prose", "The first line.\nThe second one.\n\nA new paragraph.\n\nAnd one more."},
        {"Russian prose", "Первая строка.\n\nВторая строка, и ещё одна.\n\nТретья."},
        {"Arabic prose", "السطر الأول.\n\nالسطر الثاني.\n\nالثالث."},
        {"Korean prose", "첫째 줄.\n\n둘째 줄입니다.\n\n셋째."},
        {"Chinese prose", "第一行。\n\u3000\u3000第二行。\n\u3000\u3000第三行。"},
        {"a table", "name,size\r\nfirst,1\r\nsecond,2\r\nthird,3\r\n"},
        {"source text", "if (a) {\n    b();\n}\n\nint c;\n"}};
    for (const auto & [what, text] : texts) {
        EXPECT_GT(smallest_pieces(text, splitting_of(vocabulary).cuts).size(), 2U) << what;
    }
}

TEST_P(Pieces, AreThoseOfTheGroup) {
    const test::PreTokenizerGroup & group = test::group_of(name());
    const std::string first(group.names.front());
    const Vocabulary & vocabulary = merging(name());
    const Vocabulary & another = merging(first);
    AwkwardText awkward(11);
    for (int i = 0; i < 20; ++i) {
        const std::string text = awkward.next(40);
        ASSERT_EQ(test::libllama_tokens(vocabulary, text, false, false),
                  test::libllama_tokens(another, text, false, false))
            << text;
    }
    const Splitting splitting = splitting_of(vocabulary);
    const Splitting other = splitting_of(another);
    EXPECT_EQ(splitting.matches, other.matches);
    EXPECT_EQ(!splitting.matches.empty(), group.recurses);
}

INSTANTIATE_TEST_SUITE_P(All, Pieces, testing::ValuesIn(gguf::pre_tokenizers().begin(), gguf::pre_tokenizers().end()),
                         [](const auto & each) { return test::as_test_name(each.param.name); });

TEST(PreTokenizerGroups, HoldEachNameOnce) {
    std::vector<std::string_view> grouped;
    for (const test::PreTokenizerGroup & group : test::pre_tokenizer_groups()) {
        grouped.insert(grouped.end(), group.names.begin(), group.names.end());
    }
    std::vector<std::string_view> known;
    for (const gguf::PreTokenizer & each : gguf::pre_tokenizers()) {
        known.push_back(each.name);
    }
    EXPECT_THAT(grouped, testing::UnorderedElementsAreArray(known));
}

TEST(SuperBpe, IsCutBeforeNumbers) {
    const Vocabulary vocabulary = test::load(test::merging_tiny("superbpe", false));
    EXPECT_EQ(expect_same_tokens(vocabulary, "a 1, b 23 a4567 \u06611\u00BD"), 4U);
}

/// A SentencePiece vocabulary in which all merges but those over a line break, and from a letter to a blank.
test::TinyVocabulary merging_spm() {
    test::TinyVocabulary tiny = test::TinyVocabulary::spm();
    const std::vector<std::string> symbols{"a", "b", "\u0436", "\u4E00", ".", "\n", "\r", "\u2581", "\u3000", "1"};
    const auto add = [&](const std::string & token) {
        if (std::ranges::find(tiny.tokens, token) == tiny.tokens.end()) {
            tiny.add(token, 1, -static_cast<float>(tiny.tokens.size() % 37));
        }
    };
    for (const std::string & left : symbols) {
        add(left);
        const bool letter = left == "a" || left == "b" || left == "\u0436" || left == "\u4E00";
        for (const std::string & right : symbols) {
            if (!(left == "\n" && right != "\n") && !(letter && right == "\u2581")) {
                add(left + right);
            }
        }
    }
    return tiny;
}

std::size_t pieces_of_spm(const test::TinyVocabulary & tiny) {
    const Vocabulary vocabulary = test::load(tiny);
    return expect_same_tokens(vocabulary, "a b\nb a.\n\n a \u0436 \u4E00 a\n\u3000b\r\n1a b b\n");
}

TEST(SentencePiece, GivesTheTokensOfTheWhole) {
    EXPECT_EQ(pieces_of_spm(merging_spm()), 12U);
    const Vocabulary vocabulary = test::load(merging_spm());
    AwkwardText awkward(5, {"a", "b", "\u0436", "\u4E00", ".", "\n", "\r\n", " ", "  ", "\u3000", "1", "\u2581"});
    for (int i = 0; i < 200 && !testing::Test::HasFailure(); ++i) {
        expect_same_tokens(vocabulary, awkward.next(40));
    }
}

TEST(SentencePiece, IsNotCutWhereATokenReachesOver) {
    test::TinyVocabulary over_blanks = merging_spm();
    over_blanks.add("a\u2581b", 1, 0);
    over_blanks.add("b\u2581", 1, 0);
    EXPECT_EQ(pieces_of_spm(over_blanks), 5U);

    test::TinyVocabulary over_breaks = merging_spm();
    over_breaks.add("\nb", 1, 0);
    EXPECT_EQ(pieces_of_spm(over_breaks), 1U);

    test::TinyVocabulary looked_for = merging_spm();
    constexpr std::int32_t user_defined = 4;
    looked_for.types[static_cast<std::size_t>(std::ranges::find(looked_for.tokens, "\n") - looked_for.tokens.begin())] =
        user_defined;
    EXPECT_EQ(pieces_of_spm(looked_for), 1U);
}

}  // namespace
}  // namespace snapkv::text

#include "eval/porter_stemmer.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace snapkv::eval {
namespace {

struct Stem {
    std::string_view word;
    std::string_view stem;
};

// The examples of Porter's paper and words at the edges of the rules, as NLTK 3.10.4's PorterStemmer stems them.
constexpr std::array stems{Stem{"caresses", "caress"},
                           Stem{"ponies", "poni"},
                           Stem{"ties", "tie"},
                           Stem{"caress", "caress"},
                           Stem{"cats", "cat"},
                           Stem{"flies", "fli"},
                           Stem{"dies", "die"},
                           Stem{"spied", "spi"},
                           Stem{"died", "die"},
                           Stem{"feed", "feed"},
                           Stem{"agreed", "agre"},
                           Stem{"plastered", "plaster"},
                           Stem{"bled", "bled"},
                           Stem{"motoring", "motor"},
                           Stem{"sing", "sing"},
                           Stem{"conflated", "conflat"},
                           Stem{"troubled", "troubl"},
                           Stem{"sized", "size"},
                           Stem{"hopping", "hop"},
                           Stem{"tanned", "tan"},
                           Stem{"falling", "fall"},
                           Stem{"hissing", "hiss"},
                           Stem{"fizzed", "fizz"},
                           Stem{"failing", "fail"},
                           Stem{"filing", "file"},
                           Stem{"happy", "happi"},
                           Stem{"sky", "sky"},
                           Stem{"enjoy", "enjoy"},
                           Stem{"enjoyment", "enjoy"},
                           Stem{"say", "say"},
                           Stem{"spy", "spi"},
                           Stem{"relational", "relat"},
                           Stem{"conditional", "condit"},
                           Stem{"rational", "ration"},
                           Stem{"valenci", "valenc"},
                           Stem{"hesitanci", "hesit"},
                           Stem{"digitizer", "digit"},
                           Stem{"conformabli", "conform"},
                           Stem{"radically", "radic"},
                           Stem{"differentli", "differ"},
                           Stem{"vileli", "vile"},
                           Stem{"analogously", "analog"},
                           Stem{"vietnamization", "vietnam"},
                           Stem{"predication", "predic"},
                           Stem{"operator", "oper"},
                           Stem{"feudalism", "feudal"},
                           Stem{"decisiveness", "decis"},
                           Stem{"hopefulness", "hope"},
                           Stem{"callousness", "callous"},
                           Stem{"formaliti", "formal"},
                           Stem{"sensitiviti", "sensit"},
                           Stem{"sensibiliti", "sensibl"},
                           Stem{"triplicate", "triplic"},
                           Stem{"formative", "form"},
                           Stem{"formalize", "formal"},
                           Stem{"electriciti", "electr"},
                           Stem{"electrical", "electr"},
                           Stem{"hopeful", "hope"},
                           Stem{"goodness", "good"},
                           Stem{"revival", "reviv"},
                           Stem{"allowance", "allow"},
                           Stem{"inference", "infer"},
                           Stem{"airliner", "airlin"},
                           Stem{"gyroscopic", "gyroscop"},
                           Stem{"adjustable", "adjust"},
                           Stem{"defensible", "defens"},
                           Stem{"irritant", "irrit"},
                           Stem{"replacement", "replac"},
                           Stem{"adjustment", "adjust"},
                           Stem{"dependent", "depend"},
                           Stem{"adoption", "adopt"},
                           Stem{"homologou", "homolog"},
                           Stem{"communism", "commun"},
                           Stem{"activate", "activ"},
                           Stem{"angularity", "angular"},
                           Stem{"homologous", "homolog"},
                           Stem{"effective", "effect"},
                           Stem{"bowdlerize", "bowdler"},
                           Stem{"probate", "probat"},
                           Stem{"rate", "rate"},
                           Stem{"cease", "ceas"},
                           Stem{"controlling", "control"},
                           Stem{"roll", "roll"},
                           Stem{"skies", "sky"},
                           Stem{"dying", "die"},
                           Stem{"news", "news"},
                           Stem{"innings", "inning"},
                           Stem{"outing", "outing"},
                           Stem{"proceed", "proceed"},
                           Stem{"succeed", "succeed"},
                           Stem{"howe", "howe"},
                           Stem{"geology", "geolog"},
                           Stem{"theology", "theolog"},
                           Stem{"archaeology", "archaeolog"},
                           Stem{"analogi", "analog"},
                           Stem{"logi", "logi"},
                           Stem{"psychology", "psycholog"},
                           Stem{"hopefully", "hope"},
                           Stem{"wonderfully", "wonder"},
                           Stem{"syzygy", "syzygi"},
                           Stem{"yyyy", "yyyi"},
                           Stem{"toy", "toy"},
                           Stem{"1234s", "1234"},
                           Stem{"x2ing", "x2ing"},
                           Stem{"90s", "90"},
                           Stem{"oed", "o"},
                           Stem{"aing", "a"},
                           Stem{"easing", "eas"},
                           Stem{"used", "use"},
                           Stem{"using", "use"},
                           Stem{"ion", "ion"},
                           Stem{"million", "million"},
                           Stem{"opinion", "opinion"},
                           Stem{"possibly", "possibl"},
                           Stem{"abli", "abli"},
                           Stem{"bodily", "bodili"},
                           Stem{"actually", "actual"},
                           Stem{"totally", "total"},
                           Stem{"dually", "dualli"},
                           Stem{"ally", "alli"},
                           Stem{"alli", "alli"},
                           Stem{"sses", "ss"},
                           Stem{"ness", "ness"},
                           Stem{"ing", "ing"}};

TEST(PorterStemmer, StemsAsNltkDoes) {
    for (const Stem & expected : stems) {
        EXPECT_EQ(porter_stem(std::string(expected.word)), expected.stem) << expected.word;
    }
}

TEST(PorterStemmer, LeavesShortWords) {
    EXPECT_EQ(porter_stem(""), "");
    EXPECT_EQ(porter_stem("s"), "s");
    EXPECT_EQ(porter_stem("as"), "as");
}

}  // namespace
}  // namespace snapkv::eval

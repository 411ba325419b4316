#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "eval/edit_similarity.h"
#include "eval/needle_rouge.h"
#include "eval/rouge.h"
#include "eval/token_overlap.h"
#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

constexpr std::array<std::string_view, 20> pieces{"a ",    "the ",   "an ",     "cat ",    "Cat ",  "dogs ", "running ",
                                                  "runs ", "naïve ", "ÉTUDE ",  "étude ",  ". ",    "3.5 ",  ", ",
                                                  "\n",    "–",      "ПРИВЕТ ", "привет ", "x=y; ", "(b) "};

/// A linear congruential generator that Python repeats in a line.
class Numbers {
public:
    explicit Numbers(std::uint32_t seed) : state_(seed) {}
    std::uint32_t below(std::uint32_t limit) {
        state_ = state_ * 1664525U + 1013904223U;
        return (state_ >> 16U) % limit;
    }

private:
    std::uint32_t state_;
};

/// A prediction of `count` pieces, and a reference that lacks about a quarter of them and has others for a quarter.
std::pair<std::string, std::string> make_pair(std::uint32_t seed, std::uint32_t count) {
    Numbers numbers(seed);
    std::string prediction;
    std::string reference;
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::string_view piece = pieces[numbers.below(pieces.size())];
        prediction += piece;
        const std::uint32_t fate = numbers.below(4);
        if (fate > 0) {
            reference += fate == 1 ? pieces[numbers.below(pieces.size())] : piece;
        }
    }
    return {prediction, reference};
}

struct Row {
    std::uint32_t seed;
    std::uint32_t count;
    double token_f1;
    double rouge_1;
    double rouge_l;
    double needle_rouge_1;
    double sequence_ratio;
    double code_similarity;
};

// What the originals give for these pairs, by a script under Python 3.11: qa_f1_score and code_sim_score of LongBench's
// metrics.py, rouge-1 and rouge-l of PyPI's rouge 1.0.1, rouge1 of rouge-score 0.1.2 with the stemmer of NLTK 3.10.4,
// difflib.SequenceMatcher(None, prediction, reference).ratio(), fuzzywuzzy 0.18.0 without python-Levenshtein.
constexpr std::array rows{
    Row{1, 8, 0.571428571428572, 0.545454540826446, 0.545454540826446, 0.727272727272727, 0.641509433962264, 0.47},
    Row{2, 20, 0.666666666666667, 0.719999995008, 0.719999995008, 0.620689655172414, 0.646616541353383, 0.54},
    Row{3, 60, 0.82051282051282, 0.882352936176471, 0.764705877352941, 0.843373493975904, 0.508, 0.23},
    Row{4, 120, 0.802721088435374, 0.888888883911111, 0.888888883911111, 0.846560846560847, 0.0580021482277121, 0.08},
    Row{5, 3, 0.4, 0.3999999952, 0.3999999952, 0.8, 0.4, 0.4},
    Row{6, 8, 0.769230769230769, 0.857142852244898, 0.857142852244898, 0.777777777777778, 0.754098360655738, 0.75},
    Row{7, 20, 0.6, 0.666666661768708, 0.666666661768708, 0.580645161290323, 0.473282442748092, 0.57},
    Row{8, 60, 0.675675675675676, 0.799999995022222, 0.755555550577778, 0.790123456790124, 0.632743362831858, 0.21},
    Row{9, 120, 0.825174825174825, 0.938775505206164, 0.897959178675552, 0.813953488372093, 0.347921225382932, 0.1},
    Row{10, 3, 0.666666666666667, 0.666666662222222, 0.666666662222222, 0.666666666666667, 0.666666666666667, 0.57},
    Row{11, 8, 0.6, 0.727272722644628, 0.727272722644628, 0.666666666666667, 0.51063829787234, 0.51},
    Row{12, 20, 0.7, 0.72727272231405, 0.72727272231405, 0.592592592592593, 0.634920634920635, 0.32},
    Row{13, 60, 0.686567164179104, 0.888888883950617, 0.888888883950617, 0.769230769230769, 0.547126436781609, 0.04},
    Row{14, 120, 0.8, 0.808510633318244, 0.808510633318244, 0.813953488372093, 0.357066950053135, 0.17},
    Row{15, 3, 0, 0, 0, 0, 0.260869565217391, 0.26},
    Row{16, 8, 0.666666666666667, 0.666666661805556, 0.666666661805556, 0.666666666666667, 0.676056338028169, 0.68},
    Row{17, 20, 0.666666666666667, 0.785714280714286, 0.714285709285714, 0.774193548387097, 0.714285714285714, 0.71},
    Row{18, 60, 0.698412698412698, 0.844444439466667, 0.844444439466667, 0.691358024691358, 0.552693208430913, 0.08},
    Row{19, 120, 0.778523489932886, 0.844444439446914, 0.844444439446914, 0.752808988764045, 0.183350895679663, 0.16},
    Row{20, 3, 1, 0.999999995, 0.999999995, 1, 1, 1},
    Row{21, 8, 0.333333333333333, 0.444444439506173, 0.444444439506173, 0.333333333333333, 0.60377358490566, 0.6},
    Row{22, 20, 0.625, 0.782608690661626, 0.695652168922495, 0.8, 0.519685039370079, 0.47},
    Row{23, 60, 0.777777777777778, 0.894736837119114, 0.789473679224377, 0.761904761904762, 0.634249471458774, 0.33},
    Row{24, 120, 0.805755395683453, 0.874999995034722, 0.874999995034722, 0.813186813186813, 0.132733408323959, 0.1},
    Row{25, 3, 0, 0.333333328333333, 0.333333328333333, 0.4, 0.48, 0.48},
    Row{26, 8, 0.8, 0.545454540495868, 0.545454540495868, 0.615384615384615, 0.8, 0.8},
    Row{27, 20, 0.88, 0.785714280739796, 0.785714280739796, 0.857142857142857, 0.738255033557047, 0.43},
    Row{28, 60, 0.704225352112676, 0.756756751789628, 0.756756751789628, 0.849056603773585, 0.68649885583524, 0.4},
    Row{29, 120, 0.678260869565217, 0.808510633318244, 0.808510633318244, 0.754966887417219, 0.136585365853659, 0.04},
    Row{30, 3, 1, 0.999999995, 0.999999995, 1, 1, 1},
    Row{31, 8, 0.571428571428572, 0.2499999953125, 0.2499999953125, 0.444444444444444, 0.528301886792453, 0.58},
    Row{32, 20, 0.5, 0.44444444, 0.333333328888889, 0.413793103448276, 0.491803278688525, 0.17},
    Row{33, 60, 0.666666666666667, 0.790697669486209, 0.744186041579232, 0.777777777777778, 0.654639175257732, 0.35},
    Row{34, 120, 0.878378378378378, 0.833333328342014, 0.833333328342014, 0.857142857142857, 0.249201277955272, 0.19},
    Row{35, 3, 0, 0.49999999625, 0.49999999625, 0.666666666666667, 0.421052631578947, 0.42},
    Row{36, 8, 0.666666666666667, 0.72727272231405, 0.72727272231405, 0.6, 0.689655172413793, 0.7},
    Row{37, 20, 0.72, 0.639999995008, 0.559999995008, 0.814814814814815, 0.708074534161491, 0.71},
    Row{38, 60, 0.779661016949152, 0.871794866798159, 0.820512815516108, 0.831460674157303, 0.604761904761905, 0.35},
    Row{39, 120, 0.83969465648855, 0.91891891395179, 0.91891891395179, 0.860215053763441, 0.282634730538922, 0.11},
    Row{40, 3, 0.666666666666667, 0.3999999952, 0.3999999952, 0.4, 0.740740740740741, 0.74},
};

TEST(RandomPairs, ScoreAsByTheOriginals) {
    for (const Row & row : rows) {
        const auto [prediction, reference] = make_pair(row.seed, row.count);
        SCOPED_TRACE(row.seed);
        EXPECT_NEAR(token_f1(prediction, reference), row.token_f1, 1e-14);
        EXPECT_NEAR(rouge_1(prediction, reference), row.rouge_1, 1e-14);
        EXPECT_NEAR(rouge_l(prediction, reference), row.rouge_l, 1e-14);
        EXPECT_NEAR(needle_rouge_1(prediction, reference), row.needle_rouge_1, 1e-14);
        EXPECT_NEAR(sequence_ratio(code_points(prediction), code_points(reference)), row.sequence_ratio, 1e-14);
        EXPECT_NEAR(code_similarity(prediction, reference), row.code_similarity, 1e-14);
    }
}

}  // namespace
}  // namespace snapkv::eval

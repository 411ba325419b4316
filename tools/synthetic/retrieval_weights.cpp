#include "synthetic/retrieval_weights.h"

#include <fmt/core.h>

#include <cmath>
#include <map>
#include <string_view>
#include <utility>

#include "synthetic/shape.h"

namespace snapkv::synthetic {
namespace {

/// What one pair that rotates adds to a logit at the wanted distance. All others stay below by kShiftGap times this:
/// e^27 of weight to one.
constexpr double kShiftSharpness = 6;
/// What one code element that agrees adds to a logit, and one that differs takes away. Codes of different tokens differ
/// in 6 elements at least, most in about 16; a suffix of 17 tokens that agree stands out by 136.
constexpr double kMatchSharpness = 0.25;
/// A frequency factor by which a pair of elements never turns.
constexpr float kStandsStill = 1e30F;

/// The elements that are not zero.
class Matrix {
public:
    void set(std::uint32_t row, std::uint32_t column, double value) {
        elements_[row].emplace_back(column, static_cast<float>(value));
    }
    /// A code from column `from` of the input to row `to` of the output.
    void copy_code(std::uint32_t from, std::uint32_t to, double factor = 1) {
        for (std::uint32_t element = 0; element < kCodeSize; ++element) {
            set(to + element, from + element, factor);
        }
    }
    void operator()(std::uint32_t row, std::span<float> values) const {
        const auto found = elements_.find(row);
        if (found == elements_.end()) {
            return;
        }
        for (const auto & [column, value] : found->second) {
            values[column] = value;
        }
    }

private:
    std::map<std::uint32_t, std::vector<std::pair<std::uint32_t, float>>> elements_;
};

/// What a layer's attention is made of: three matrices that read the hidden state, one that writes to it.
struct Head {
    Matrix query;
    Matrix key;
    Matrix value;
    Matrix output;
};

/// Logits are divided by the root of the head's size: what a query is multiplied with so that they are as wanted.
double query_factor(const RetrievalLayout & layout, double sharpness) {
    return sharpness * std::sqrt(static_cast<double>(layout.head_size()));
}

/// Attends to the position `layout.shift(layer)` back and copies what its filled slots hold behind one's own. Query and
/// key are constants, turned by their positions: a pair adds cos(f (distance - shift)).
Head shift_head(const RetrievalLayout & layout, std::uint32_t layer) {
    Head head;
    const std::uint32_t shift = RetrievalLayout::shift(layer);
    const auto frequencies = shift_frequencies();
    const double factor = query_factor(layout, kShiftSharpness);
    for (std::uint32_t index = 0; index < kShiftPairs; ++index) {
        const std::uint32_t pair = RetrievalLayout::pair(index);
        const double angle = frequencies[index] * shift;
        head.query.set(pair, layout.constant(), factor);
        head.key.set(pair, layout.constant(), std::cos(angle));
        head.key.set(pair + 1, layout.constant(), std::sin(angle));
    }
    for (std::uint32_t back = 0; shift + back < layout.filled(layer + 1); ++back) {
        head.value.copy_code(layout.slot(back), RetrievalLayout::code(back));
        head.output.copy_code(RetrievalLayout::code(back), layout.slot(shift + back));
    }
    return head;
}

/// Attends to positions before which the same tokens stand as end here, and copies the code of the token there.
Head copy_head(const RetrievalLayout & layout) {
    Head head;
    const double factor = query_factor(layout, kMatchSharpness);
    for (std::uint32_t back = 0; back + 1 < layout.suffix; ++back) {
        head.query.copy_code(layout.slot(back), RetrievalLayout::code(back), factor);
        head.key.copy_code(layout.slot(back + 1), RetrievalLayout::code(back));
    }
    head.value.copy_code(layout.slot(0), RetrievalLayout::code(0));
    head.output.copy_code(RetrievalLayout::code(0), layout.copied());
    return head;
}

/// Undoes a norm over a hidden state that holds `codes` codes and the constant.
ConstructedTensor norm(const RetrievalLayout & layout, std::string name, std::uint32_t codes) {
    const double mean_square = (codes * kCodeSize + 1.0) / layout.width();
    const auto weight = static_cast<float>(std::sqrt(mean_square + double{kNormEpsilon}));
    return {std::move(name), layout.width(), 1,
            [weight](std::uint32_t, std::span<float> values) { std::fill(values.begin(), values.end(), weight); }};
}

void add_layer(const RetrievalLayout & layout, std::uint32_t layer, std::vector<ConstructedTensor> & tensors) {
    const auto named = [layer](std::string_view name) { return fmt::format("blk.{}.{}.weight", layer, name); };
    const auto matrix = [&](std::string_view name, std::uint32_t columns, std::uint32_t rows, Matrix values = {}) {
        tensors.push_back({named(name), columns, rows, std::move(values)});
    };
    const bool shifts = layer < layout.shift_layers();
    Head head = shifts ? shift_head(layout, layer) : copy_head(layout);
    const std::uint32_t filled = layout.filled(layer);
    tensors.push_back(norm(layout, named("attn_norm"), filled));
    matrix("attn_q", layout.width(), layout.head_size(), std::move(head.query));
    matrix("attn_k", layout.width(), layout.head_size(), std::move(head.key));
    matrix("attn_v", layout.width(), layout.head_size(), std::move(head.value));
    matrix("attn_output", layout.head_size(), layout.width(), std::move(head.output));
    tensors.push_back(norm(layout, named("ffn_norm"), filled));  // what it feeds is multiplied with zero
    matrix("ffn_gate", layout.width(), kRetrievalFeedForward);
    matrix("ffn_up", layout.width(), kRetrievalFeedForward);
    matrix("ffn_down", kRetrievalFeedForward, layout.width());
}

/// With a base of 1 every pair would turn by one radian a position; the factors divide that.
ConstructedTensor rotation_factors(const RetrievalLayout & layout) {
    return {"rope_freqs.weight", layout.head_size() / 2, 1, [](std::uint32_t, std::span<float> values) {
                std::fill(values.begin(), values.end(), kStandsStill);
                const auto frequencies = shift_frequencies();
                for (std::uint32_t index = 0; index < kShiftPairs; ++index) {
                    values[RetrievalLayout::pair(index) / 2] = static_cast<float>(1 / frequencies[index]);
                }
            }};
}

}  // namespace

std::vector<ConstructedTensor> retrieval_tensors(const RetrievalLayout & layout, std::uint32_t vocabulary) {
    const TokenCodes codes(vocabulary);
    const auto code_at = [codes](std::uint32_t first) {
        return [codes, first](std::uint32_t token, std::span<float> values) {
            for (std::uint32_t element = 0; element < kCodeSize; ++element) {
                values[first + element] = codes.element(token, element);
            }
        };
    };
    std::vector<ConstructedTensor> tensors;
    tensors.push_back(
        {"token_embd.weight", layout.width(), vocabulary,
         [fill = code_at(layout.slot(0)), constant = layout.constant()](std::uint32_t token, std::span<float> values) {
             fill(token, values);
             values[constant] = 1;
         }});
    tensors.push_back(rotation_factors(layout));
    for (std::uint32_t layer = 0; layer < layout.layers(); ++layer) {
        add_layer(layout, layer, tensors);
    }
    tensors.push_back(norm(layout, "output_norm.weight", layout.suffix + 1));
    tensors.push_back({"output.weight", layout.width(), vocabulary, code_at(layout.copied())});
    return tensors;
}

}  // namespace snapkv::synthetic

// Further turns of a few rows take other products than steps and prefills do (fused ones, then a copy of each layer's
// weights from some number of rows on): whichever it is, the logits must be those of single steps.

#include <gtest/gtest.h>

#include "parity/engine.h"
#include "parity/quantised.h"
#include "parity/random_model.h"
#include "product/gemm.h"
#include "snapkv/error.h"

namespace snapkv::test {
namespace {

constexpr RandomShape kShape{
    .width = 256, .heads = 4, .kv_heads = 2, .head_size = 64, .layers = 3, .feed_forward = 512};
constexpr std::size_t kRowsBefore = 100;

class AppendedRows : public testing::TestWithParam<std::size_t> {
protected:
    TemporaryPath source_ = random_model(kShape);
    TemporaryPath file_{".gguf"};

    [[nodiscard]] Model quantised(llama_ftype type) const {
        quantise(source_.get(), file_.get(), type);
        return Model::load(file_.get());
    }
};

TEST_P(AppendedRows, GiveTheLogitsOfSingleSteps) {
    const Model model = quantised(LLAMA_FTYPE_MOSTLY_Q4_1);
    const std::vector<Token> tokens = random_tokens(kShape, kRowsBefore + GetParam());
    const std::span<const Token> turn = std::span(tokens).subspan(kRowsBefore);
    std::vector<ProductPath> paths{ProductPath::Auto, ProductPath::Stored};
    if (product::gemm_available(product::Element::I8)) {
        paths.push_back(ProductPath::Int8);
    }
    if (product::gemm_available(product::Element::F32)) {
        paths.push_back(ProductPath::Widened);
    }
    for (const ProductPath path : paths) {
        Session session(model, {.threads = 1, .products = path});
        const std::vector<float> steps = step_logits(session, tokens, kRowsBefore, KvType::F16);
        const Branch branch = full_branch(std::span(tokens).first(kRowsBefore), KvType::F16);
        Sequence sequence = std::move(session.prefill({&branch, 1}).sequences.front());
        session.append(sequence, turn);
        EXPECT_LT(normalised_error(sequence.logits(), std::span(steps).last(sequence.logits().size())), 2e-3)
            << "path " << static_cast<int>(path);
    }
}

INSTANTIATE_TEST_SUITE_P(Rows, AppendedRows, testing::Values(2, 11, 12, 16, 17, 47, 48, 64, 150));

TEST_F(AppendedRows, AskForIntegersOnlyOfQuantisedWeights) {
    const Model floats = quantised(LLAMA_FTYPE_MOSTLY_F16);
    try {
        const Session session(floats, {.products = ProductPath::Int8});
        FAIL() << "taken";
    } catch (const Error & error) {
        EXPECT_EQ(error.kind(), ErrorKind::Usage) << error.what();
        EXPECT_NE(std::string(error.what()).find("quantised"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace snapkv::test

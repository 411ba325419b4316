// A model in several files computes what it computes in one.
#include "support/split_model.h"

#include <gmock/gmock.h>

#include "run/tiny_run.h"
#include "support/error_of.h"

namespace snapkv {
namespace {

/// Long enough for mapped weights to be given back layer by layer.
constexpr std::size_t kTokens = 2100;

std::vector<float> logits(const Model & model, ProductPath products) {
    SessionOptions options;
    options.threads = 1;
    options.products = products;
    Session session(model, options);
    Sequence sequence =
        test::prefill_one(session, test::branch_of(test::random_tokens(kTokens, 7), test::full_cache()));
    test::greedy(session, sequence, 3);
    return {sequence.logits().begin(), sequence.logits().end()};
}

TEST(SplitModel, HasTheSameLogits) {
    for (const ggml_type type : {GGML_TYPE_F32, GGML_TYPE_F16}) {
        const test::TinyRun whole(test::TinyShape{.type = type});
        const test::SplitModel split(whole.file.path(), 3);
        const Model model = Model::load(split.first());
        for (const ProductPath products : {ProductPath::Auto, ProductPath::Stored}) {
            EXPECT_TRUE(test::same_bits(logits(whole.model, products), logits(model, products)));
        }
    }
}

TEST(SplitModel, IsDescribedAsAWhole) {
    const test::TinyRun whole;
    const test::SplitModel split(whole.file.path(), 3);
    const Model model = Model::load(split.first());
    EXPECT_EQ(model.info().weight_bytes, whole.model.info().weight_bytes);
    EXPECT_EQ(model.info().parameters, whole.model.info().parameters);
    EXPECT_EQ(model.tokenize("hello", false, false), whole.model.tokenize("hello", false, false));
    EXPECT_EQ(model.hash(), Model::load(split.first()).hash());
    EXPECT_NE(model.hash(), whole.model.hash()) << "where it is split is part of what it is";
}

TEST(SplitModel, NamesThePartOfATensorThatDoesNotFit) {
    test::TinyModel tiny;
    tiny.tensors["output_norm.weight"].shape = {32};
    const test::TinyModelFile whole(tiny);
    const test::SplitModel split(whole.path(), 3);
    EXPECT_THAT(test::error_of(ErrorKind::Input, [&] { Model::load(split.first()); }),
                testing::StartsWith(split.part(2).string() + ": tensor output_norm.weight has shape"));
}

}  // namespace
}  // namespace snapkv

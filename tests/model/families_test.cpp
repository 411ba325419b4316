// What a damaged file of any family is refused with.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>

#include "gguf/refusal.h"
#include "model/family.h"
#include "model/loading.h"
#include "support/family_shapes.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

using test::FamilyShape;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();

const std::string kNotRefused = "not refused";

/// The message with which the model is refused, without its path.
std::string refusal(const FamilyShape & shape) {
    const test::TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "model.gguf";
    test::write_random_family(shape, path);
    return test::refusal_of_file(path, [](const std::filesystem::path & file) { test::load(file); });
}

class FamilyFiles : public testing::TestWithParam<std::string> {
protected:
    [[nodiscard]] static FamilyShape shape() { return test::least_family_shape(GetParam()); }
    [[nodiscard]] static std::string full(const std::string & key) { return GetParam() + "." + key; }

    /// The refusal of a model whose key says `value` while its tensors are as they were.
    [[nodiscard]] static std::string refusal_with(const std::string & key, std::uint32_t value) {
        FamilyShape changed = shape();
        changed.numbers.emplace_back(key, value);
        return refusal(changed);
    }

    /// The refusal names a matrix of attention, or the key where keys contradict each other.
    [[nodiscard]] static auto names_tensor_or(const std::string & key) {
        return AnyOf(AllOf(HasSubstr("tensor blk."), HasSubstr(".attn_"), HasSubstr("has shape")),
                     AllOf(HasSubstr(full(key)), HasSubstr("expected")));
    }

    /// Each tensor's name and shape.
    [[nodiscard]] static std::vector<std::pair<std::string, std::vector<std::int64_t>>> tensors() {
        std::vector<std::pair<std::string, std::vector<std::int64_t>>> all;
        FamilyShape listed = shape();
        listed.spoil = [&](const std::string & name, const std::vector<std::int64_t> & sizes) {
            all.emplace_back(name, sizes);
            return true;
        };
        EXPECT_EQ(refusal(listed), kNotRefused);
        return all;
    }
};

TEST_P(FamilyFiles, WithNumbersOutOfRangeAreRefused) {
    for (const char * key :
         {"block_count", "embedding_length", "context_length", "feed_forward_length", "attention.head_count",
          "attention.head_count_kv", "attention.key_length", "attention.value_length", "rope.dimension_count"}) {
        EXPECT_THAT(refusal_with(key, 0), AllOf(HasSubstr(full(key) + " is 0"), HasSubstr("expected"))) << key;
        EXPECT_THAT(refusal_with(key, kMost), AllOf(HasSubstr(full(key) + " is 4294967295"), HasSubstr("expected")))
            << key;
    }
    EXPECT_THAT(refusal_with("block_count", 1000000), HasSubstr(full("block_count") + " is 1000000, expected 1 to"));
}

TEST_P(FamilyFiles, WithHeadsThatDoNotDivideAreRefused) {
    FamilyShape changed = shape();
    changed.heads = 4;
    changed.numbers.emplace_back("attention.head_count_kv", 3);
    EXPECT_THAT(refusal(changed), AllOf(HasSubstr(full("attention.head_count") + " is 4"),
                                        HasSubstr(full("attention.head_count_kv") + " 3 does not divide")));
}

TEST_P(FamilyFiles, WithNumbersThatTheirTensorsContradictAreRefused) {
    const std::uint32_t layers = shape().layers;
    EXPECT_EQ(refusal_with("block_count", layers + 1),
              fmt::format("tensor blk.{}.attn_norm.weight is missing", layers));
    EXPECT_THAT(refusal_with("embedding_length", 16), HasSubstr("token_embd.weight has shape [8, 8, 1, 1], expected"));
    for (const char * key : {"attention.head_count", "attention.key_length"}) {
        EXPECT_THAT(refusal_with(key, 8), names_tensor_or(key));
    }
    EXPECT_THAT(refusal_with("attention.value_length", 2), names_tensor_or("attention.value_length"));
}

TEST_P(FamilyFiles, WithAVocabularyThatTheEmbeddingLacksAreRefused) {
    FamilyShape changed = shape();
    changed.spoil = [](const std::string & name, std::vector<std::int64_t> & sizes) {
        sizes.back() -= name == "token_embd.weight" ? 1 : 0;
        return true;
    };
    EXPECT_EQ(refusal(changed), "tokenizer.ggml.tokens has 8 entries, token_embd.weight 7 rows");
}

TEST_P(FamilyFiles, WithoutATensorAreRefused) {
    for (const auto & tensor : tensors()) {
        const std::string & missing = tensor.first;
        FamilyShape changed = shape();
        changed.spoil = [&](const std::string & name, const auto &) { return name != missing; };
        const std::string message = refusal(changed);
        if (message == kNotRefused) {
            EXPECT_THAT(missing, AnyOf(EndsWith(".bias"), "output.weight")) << "is not optional";
        } else {
            // A file without the fused matrix is taken for one with its three parts.
            const std::string named =
                shape().fused_qkv && missing == "blk.0.attn_qkv.weight" ? "blk.0.attn_q.weight" : missing;
            EXPECT_EQ(message, fmt::format("tensor {} is missing", named));
        }
    }
}

TEST_P(FamilyFiles, WithATensorOfAnotherShapeAreRefused) {
    for (const auto & [damaged, right] : tensors()) {
        FamilyShape changed = shape();
        changed.spoil = [&, &spoiled = damaged](const std::string & name, std::vector<std::int64_t> & sizes) {
            sizes.front() += name == spoiled ? 32 : 0;
            return true;
        };
        EXPECT_THAT(refusal(changed),
                    AllOf(HasSubstr(fmt::format("tensor {} has shape [{}", damaged, right.front() + 32)),
                          HasSubstr(fmt::format("expected [{}", right.front()))));
    }
}

TEST_P(FamilyFiles, WithExpertsThatAreNotThereAreRefused) {
    if (shape().experts == 0) {
        EXPECT_THAT(refusal_with("expert_count", 8),
                    AllOf(HasSubstr(full("expert_")), AnyOf(HasSubstr("missing"), HasSubstr("is 8; no mixture"))));
        return;
    }
    EXPECT_THAT(refusal_with("expert_count", 8), HasSubstr("tensor blk.0.ffn_gate_inp.weight has shape"));
    EXPECT_THAT(refusal_with("expert_count", 1000000), HasSubstr(full("expert_count") + " is 1000000, expected 0 to"));
    for (const std::uint32_t used : {0U, 5U, kMost}) {
        EXPECT_THAT(refusal_with("expert_used_count", used),
                    HasSubstr(fmt::format("{} is {}, expected 1 to 4", full("expert_used_count"), used)));
    }
}

std::vector<std::string> all_families() {
    std::vector<std::string> names;
    for (const model::Family * family : model::families()) {
        names.emplace_back(family->name);
    }
    return names;
}

std::string name_of(const testing::TestParamInfo<std::string> & info) {
    std::string name = info.param;
    std::erase(name, '-');
    return name;
}

INSTANTIATE_TEST_SUITE_P(All, FamilyFiles, testing::ValuesIn(all_families()), name_of);

}  // namespace
}  // namespace snapkv

// Random models as files: the same bytes for the same options, sane numbers in them, all or nothing on the disk.
#include "snapkv/tools/random_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <string_view>

#include "gguf/file.h"
#include "gguf/temporary_file.h"
#include "support/contents.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"
#include "synthetic/tensor_plan.h"
#include "synthetic/write_shape.h"

namespace snapkv::test {
namespace {

using testing::HasSubstr;

/// A folder of its own for the files of one test.
class RandomModel : public testing::Test {
protected:
    [[nodiscard]] std::filesystem::path path(const char * name = "model.gguf") const { return folder_.path() / name; }
    [[nodiscard]] std::string made(const RandomModelOptions & options) const {
        write_random_model(path(), options);
        return test::contents(path());
    }
    [[nodiscard]] std::ptrdiff_t files() const {
        return std::distance(std::filesystem::directory_iterator(folder_.path()), {});
    }

private:
    TemporaryFolder folder_;
};

TEST_F(RandomModel, IsTheSameForTheSameOptions) {
    const std::string first = made({});
    EXPECT_EQ(made({}), first);
    RandomModelOptions other;
    other.seed = 2;
    const std::string second = made(other);
    EXPECT_EQ(second.size(), first.size());
    EXPECT_NE(second, first);
}

TEST_F(RandomModel, EveryTypeMakesACheckedFile) {
    for (const std::string & type : random_model_types()) {
        RandomModelOptions options;
        options.type = type;
        const WrittenModel result = write_random_model(path(), options);
        const gguf::File file = gguf::File::open(path());
        EXPECT_NO_THROW(gguf::check_vocabulary(file)) << type;
        EXPECT_EQ(result.bytes, std::filesystem::file_size(path())) << type;
        for (const char * name : {"token_embd.weight", "blk.1.ffn_down.weight", "output.weight"}) {
            EXPECT_THAT(ggml_type_name(file.find_tensor(name)->type), testing::StrCaseEq(type)) << name;
        }
        EXPECT_EQ(file.find_tensor("output_norm.weight")->type, GGML_TYPE_F32) << type;
    }
}

TEST_F(RandomModel, WeightsHaveTheirDeviationAndNormsAreOne) {
    RandomModelOptions options;
    options.type = "f32";
    write_random_model(path(), options);
    const gguf::File file = gguf::File::open(path());
    const auto values = [&](const char * name) {
        const auto data = file.data(*file.find_tensor(name));
        return std::span(reinterpret_cast<const float *>(data.data()), data.size() / sizeof(float));
    };
    for (const float value : values("blk.0.attn_norm.weight")) {
        EXPECT_EQ(value, 1.0F);
    }
    const auto down = values("blk.1.ffn_down.weight");
    double sum = 0;
    double squares = 0;
    for (const float value : down) {
        sum += value;
        squares += double{value} * value;
    }
    const auto count = static_cast<double>(down.size());
    EXPECT_NEAR(sum / count, 0, 0.002);
    EXPECT_NEAR(std::sqrt(squares / count) * std::sqrt(512.0), 1, 0.03);
    const std::set<float> first_row(down.begin(), down.begin() + 512);
    EXPECT_GT(first_row.size(), 400U);
    EXPECT_FALSE(std::equal(down.begin(), down.begin() + 512, down.begin() + 512));
}

TEST_F(RandomModel, LayersAndVocabularyAreTakenOver) {
    write_random_model(path("source.gguf"), {});
    RandomModelOptions options;
    options.shape = "smollm2-135m";
    options.layers = 1;
    options.vocabulary = path("source.gguf");
    const WrittenModel result = write_random_model(path(), options);
    const gguf::File file = gguf::File::open(path());
    EXPECT_EQ(file.get_u32("llama.block_count"), 1U);
    EXPECT_EQ(file.array_length("tokenizer.ggml.tokens"), 320U);
    EXPECT_EQ(file.find_strings("tokenizer.ggml.tokens"),
              gguf::File::open(path("source.gguf")).find_strings("tokenizer.ggml.tokens"));
    EXPECT_EQ(file.get_u32("llama.embedding_length"), 576U);
    EXPECT_EQ(file.find_tensor("output.weight"), nullptr);
    EXPECT_EQ(file.find_tensor("blk.1.attn_q.weight"), nullptr);
    EXPECT_EQ(file.find_tensor("token_embd.weight")->ne[1], 320);
    EXPECT_EQ(result.parameters, 320U * 576 + 3 * 576 + 576U * (576 + 2 * 192 + 576 + 3 * 1536));
}

/// The tensors of the first layer and their sizes.
using Sizes = std::map<std::string, std::array<std::int64_t, 3>>;

Sizes sizes_of_layer(const gguf::File & file) {
    constexpr std::string_view prefix = "blk.0.";
    constexpr std::string_view suffix = ".weight";
    Sizes sizes;
    for (const gguf::TensorInfo & tensor : file.tensors()) {
        if (tensor.name.starts_with(prefix)) {
            const std::size_t length = tensor.name.size() - prefix.size() - suffix.size();
            sizes[tensor.name.substr(prefix.size(), length)] = {tensor.ne[0], tensor.ne[1], tensor.ne[2]};
        }
    }
    return sizes;
}

/// One layer of a shape, small where that leaves its width alone.
synthetic::Shape one_layer(const std::string & name) {
    synthetic::Shape shape = synthetic::find_shape({.shape = name, .layers = 1});
    shape.feed_forward = 256;
    shape.vocabulary = 320;
    return shape;
}

TEST_F(RandomModel, MixtralHasExperts) {
    const WrittenModel result = synthetic::write_shape(path(), one_layer("mixtral-8x7b"), {.type = "q4_0"});
    const gguf::File file = gguf::File::open(path());
    EXPECT_EQ(file.get_string("general.architecture"), "llama");
    EXPECT_EQ(file.get_u32("llama.expert_count"), 8U);
    EXPECT_EQ(file.get_u32("llama.expert_used_count"), 2U);
    EXPECT_EQ(file.get_f32("llama.rope.freq_base"), 1e6F);
    EXPECT_EQ(file.get_u32("llama.context_length"), 32768U);
    const Sizes expected{{"attn_norm", {4096, 1, 1}},      {"attn_q", {4096, 4096, 1}},
                         {"attn_k", {4096, 1024, 1}},      {"attn_v", {4096, 1024, 1}},
                         {"attn_output", {4096, 4096, 1}}, {"ffn_norm", {4096, 1, 1}},
                         {"ffn_gate_inp", {4096, 8, 1}},   {"ffn_gate_exps", {4096, 256, 8}},
                         {"ffn_up_exps", {4096, 256, 8}},  {"ffn_down_exps", {256, 4096, 8}}};
    EXPECT_EQ(sizes_of_layer(file), expected);
    EXPECT_EQ(file.find_tensor("blk.0.ffn_gate_inp.weight")->type, GGML_TYPE_F32);
    EXPECT_EQ(file.find_tensor("blk.0.ffn_down_exps.weight")->type, GGML_TYPE_Q4_0);
    EXPECT_EQ(result.bytes, std::filesystem::file_size(path()));
}

TEST_F(RandomModel, CommandRHasOneNormALayerAndNoOutput) {
    synthetic::write_shape(path(), one_layer("command-r"), {.type = "q4_0"});
    const gguf::File file = gguf::File::open(path());
    EXPECT_EQ(file.get_string("general.architecture"), "command-r");
    EXPECT_EQ(file.get_f32("command-r.logit_scale"), 0.0625F);
    EXPECT_EQ(file.get_f32("command-r.attention.layer_norm_epsilon"), 1e-5F);
    EXPECT_EQ(file.get_f32("command-r.rope.freq_base"), 8e6F);
    EXPECT_EQ(file.get_u32("command-r.context_length"), 131072U);
    EXPECT_FALSE(file.has("command-r.attention.layer_norm_rms_epsilon"));
    EXPECT_FALSE(file.has("command-r.expert_count"));
    EXPECT_EQ(file.find_tensor("output.weight"), nullptr);
    const Sizes expected{{"attn_norm", {8192, 1, 1}}, {"attn_q", {8192, 8192, 1}},      {"attn_k", {8192, 8192, 1}},
                         {"attn_v", {8192, 8192, 1}}, {"attn_output", {8192, 8192, 1}}, {"ffn_gate", {8192, 256, 1}},
                         {"ffn_up", {8192, 256, 1}},  {"ffn_down", {256, 8192, 1}}};
    EXPECT_EQ(sizes_of_layer(file), expected);
}

TEST_F(RandomModel, Qwen3NormsHeads) {
    synthetic::write_shape(path(), one_layer("qwen3-8b"), {.type = "q6_k"});
    const gguf::File file = gguf::File::open(path());
    EXPECT_EQ(file.get_string("general.architecture"), "qwen3");
    EXPECT_EQ(file.get_u32("qwen3.attention.key_length"), 128U);
    EXPECT_EQ(file.get_f32("qwen3.attention.layer_norm_rms_epsilon"), 1e-6F);
    EXPECT_EQ(file.get_f32("qwen3.rope.freq_base"), 1e6F);
    EXPECT_EQ(file.get_u32("qwen3.context_length"), 40960U);
    EXPECT_NE(file.find_tensor("output.weight"), nullptr);
    const Sizes expected{{"attn_norm", {4096, 1, 1}},  {"attn_q", {4096, 4096, 1}},      {"attn_k", {4096, 1024, 1}},
                         {"attn_v", {4096, 1024, 1}},  {"attn_output", {4096, 4096, 1}}, {"attn_q_norm", {128, 1, 1}},
                         {"attn_k_norm", {128, 1, 1}}, {"ffn_norm", {4096, 1, 1}},       {"ffn_gate", {4096, 256, 1}},
                         {"ffn_up", {4096, 256, 1}},   {"ffn_down", {256, 4096, 1}}};
    EXPECT_EQ(sizes_of_layer(file), expected);
}

// The sums that the models are known by.
TEST(RandomModelShapes, HaveAsManyParametersAsTheirModels) {
    const std::map<std::string, std::uint64_t> known{{"smollm2-135m", 134'515'008},    {"llama-2-7b", 6'738'415'616},
                                                     {"mistral-7b", 7'241'732'096},    {"llama-3-8b", 8'030'261'248},
                                                     {"mixtral-8x7b", 46'702'792'704}, {"command-r", 34'980'831'232},
                                                     {"qwen3-8b", 8'190'735'360}};
    EXPECT_EQ(random_model_shapes().size(), known.size() + 1);  // tiny is nobody's
    for (const auto & [name, expected] : known) {
        std::uint64_t parameters = 0;
        for (const synthetic::TensorPlan & tensor : synthetic::plan_tensors(synthetic::find_shape({.shape = name}))) {
            parameters += std::uint64_t{tensor.columns} * tensor.rows * tensor.matrices;
        }
        EXPECT_EQ(parameters, expected) << name;
    }
}

TEST_F(RandomModel, RefusesWhatCannotBe) {
    const auto error = [&](ErrorKind kind, const RandomModelOptions & options) {
        return error_of(kind, [&] { write_random_model(path(), options); });
    };
    EXPECT_THAT(error(ErrorKind::Usage, {.shape = "giant"}), HasSubstr("giant"));
    EXPECT_THAT(error(ErrorKind::Usage, {.type = "q9_9"}), HasSubstr("q9_9"));
    EXPECT_THAT(error(ErrorKind::Usage, {.layers = 0}), HasSubstr("--layers"));
    EXPECT_THAT(error(ErrorKind::Usage, {.shape = "command-r", .layers = 64}), HasSubstr("1 to 63"));
    EXPECT_THAT(error(ErrorKind::Usage, {.shape = "smollm2-135m", .type = "q6_k"}), HasSubstr("256"));
    EXPECT_THAT(error(ErrorKind::Input, {.vocabulary = path("none.gguf")}), HasSubstr("none.gguf"));
    const TemporaryFile text("not a model");
    EXPECT_THAT(error(ErrorKind::Input, {.vocabulary = text.path()}), HasSubstr("not a GGUF file"));
    EXPECT_THAT(error_of(ErrorKind::Machine, [&] { write_random_model(path("no/such.gguf"), {}); }),
                HasSubstr("no/such.gguf"));
    EXPECT_EQ(files(), 0);
}

TEST_F(RandomModel, StopsInTheMiddleWithWhatStoodThereBefore) {
    const std::string before = made({});
    std::atomic<bool> stop{false};
    RandomModelOptions options;
    options.shape = "smollm2-135m";
    options.stop = &stop;
    std::uint64_t last = 0;
    const WrittenModel result = write_random_model(path(), options, [&](std::uint64_t done, std::uint64_t total) {
        EXPECT_GE(done, last);
        EXPECT_LE(done, total);
        last = done;
        stop = done > total / 8;
    });
    EXPECT_TRUE(result.interrupted);
    EXPECT_EQ(std::filesystem::file_size(path()), before.size());
    EXPECT_EQ(files(), 1);
}

}  // namespace
}  // namespace snapkv::test

// Random models as files: the same bytes for the same options, sane numbers in them, all or nothing on the disk.
#include "snapkv/random_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <set>

#include "gguf/file.h"
#include "gguf/temporary_file.h"
#include "support/error_of.h"

namespace snapkv::test {
namespace {

using testing::HasSubstr;

/// A folder of its own for the files of one test.
class RandomModel : public testing::Test {
protected:
    RandomModel() {
        std::string name = std::filesystem::temp_directory_path() / "snapkv-random-XXXXXX";
        folder_ = ::mkdtemp(name.data());
    }
    ~RandomModel() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    [[nodiscard]] std::filesystem::path path(const char * name = "model.gguf") const { return folder_ / name; }
    [[nodiscard]] std::string made(const RandomModelOptions & options) const {
        write_random_model(path(), options);
        std::ifstream file(path(), std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    [[nodiscard]] std::ptrdiff_t files() const {
        return std::distance(std::filesystem::directory_iterator(folder_), {});
    }

private:
    std::filesystem::path folder_;
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

TEST_F(RandomModel, RefusesWhatCannotBe) {
    const auto error = [&](ErrorKind kind, const RandomModelOptions & options) {
        return error_of(kind, [&] { write_random_model(path(), options); });
    };
    EXPECT_THAT(error(ErrorKind::Usage, {.shape = "giant"}), HasSubstr("giant"));
    EXPECT_THAT(error(ErrorKind::Usage, {.type = "q9_9"}), HasSubstr("q9_9"));
    EXPECT_THAT(error(ErrorKind::Usage, {.layers = 0}), HasSubstr("--layers"));
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

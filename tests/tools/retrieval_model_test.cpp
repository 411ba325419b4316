// The constructed model as a file: its sizes, the rules of its weights, what it refuses.
#include "snapkv/tools/retrieval_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "gguf/file.h"
#include "gguf/temporary_file.h"
#include "snapkv/tools/random_model.h"
#include "support/contents.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"
#include "synthetic/token_codes.h"

namespace snapkv::test {
namespace {

using testing::Each;
using testing::HasSubstr;

/// A folder of its own with a vocabulary of 320 tokens.
class RetrievalModel : public testing::Test {
protected:
    RetrievalModel() { write_random_model(vocabulary(), {.layers = 1}); }
    [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "model.gguf"; }
    [[nodiscard]] std::filesystem::path vocabulary() const { return folder_.path() / "vocabulary.gguf"; }
    [[nodiscard]] gguf::File made(std::uint32_t suffix = 16, const std::string & type = "f32") const {
        write_retrieval_model(path(), {.vocabulary = vocabulary(), .type = type, .suffix = suffix});
        return gguf::File::open(path());
    }
    [[nodiscard]] std::ptrdiff_t files() const {
        return std::distance(std::filesystem::directory_iterator(folder_.path()), {});
    }

private:
    TemporaryFolder folder_;
};

std::span<const float> row_of(const gguf::File & file, const char * name, std::size_t row) {
    const gguf::TensorInfo & tensor = *file.find_tensor(name);
    const auto columns = static_cast<std::size_t>(tensor.ne[0]);
    return std::span(reinterpret_cast<const float *>(file.data(tensor).data()), columns * (row + 1))
        .subspan(columns * row);
}

TEST_F(RetrievalModel, SizesFollowFromTheSuffix) {
    struct Sizes {
        std::uint32_t suffix, layers, head, width;
    };
    for (const Sizes & sizes : {Sizes{4, 3, 128, 192}, {16, 5, 512, 576}, {18, 6, 576, 640}, {32, 6, 1024, 1088}}) {
        const gguf::File file = made(sizes.suffix, "f16");
        EXPECT_EQ(file.get_u32("llama.block_count"), sizes.layers);
        EXPECT_EQ(file.get_u32("llama.attention.key_length"), sizes.head);
        EXPECT_EQ(file.get_u32("llama.attention.value_length"), sizes.head);
        EXPECT_EQ(file.get_u32("llama.rope.dimension_count"), sizes.head);
        EXPECT_EQ(file.get_u32("llama.embedding_length"), sizes.width);
        EXPECT_EQ(file.get_u32("llama.context_length"), 1'048'576U);
        EXPECT_EQ(file.find_tensor("rope_freqs.weight")->ne[0], sizes.head / 2);
        EXPECT_EQ(file.find_tensor("output.weight")->type, GGML_TYPE_F16);
        EXPECT_EQ(file.find_tensor("output_norm.weight")->type, GGML_TYPE_F32);
        EXPECT_NO_THROW(gguf::check_vocabulary(file));
    }
}

TEST_F(RetrievalModel, EmbeddingsAndOutputHoldTheSameCodes) {
    const gguf::File file = made();
    const synthetic::TokenCodes codes(320);
    for (const std::uint32_t token : {0U, 1U, 319U}) {
        const auto in = row_of(file, "token_embd.weight", token);
        const auto out = row_of(file, "output.weight", token);
        for (std::uint32_t element = 0; element < 32; ++element) {
            EXPECT_EQ(in[element], codes.element(token, element));
            EXPECT_EQ(out[512 + element], codes.element(token, element));
        }
        EXPECT_THAT(in.subspan(32, 512), Each(0));
        EXPECT_EQ(in[544], 1);
        EXPECT_THAT(in.subspan(545), Each(0));
        EXPECT_THAT(out.first(512), Each(0));
        EXPECT_THAT(out.subspan(544), Each(0));
    }
}

TEST_F(RetrievalModel, ShiftLayersFillTheNextSlots) {
    const gguf::File file = made();
    // Layer 2 copies slots 0 to 3 (elements 0 to 127) of the position 4 back to slots 4 to 7.
    for (const std::uint32_t element : {0U, 127U}) {
        const auto value = row_of(file, "blk.2.attn_v.weight", 32 + element);
        EXPECT_EQ(value[element], 1);
        EXPECT_EQ(std::count(value.begin(), value.end(), 0.0F), 575);
        const auto output = row_of(file, "blk.2.attn_output.weight", 128 + element);
        EXPECT_EQ(output[32 + element], 1);
        EXPECT_EQ(std::count(output.begin(), output.end(), 0.0F), 511);
    }
    EXPECT_THAT(row_of(file, "blk.2.attn_v.weight", 160), Each(0));
    EXPECT_THAT(row_of(file, "blk.2.attn_output.weight", 127), Each(0));
    EXPECT_THAT(row_of(file, "blk.2.attn_output.weight", 256), Each(0));
    // Query and key read the constant; a pair of the key is turned by 4 positions.
    const float frequency = 1 / row_of(file, "rope_freqs.weight", 0)[0];
    EXPECT_GT(row_of(file, "blk.2.attn_q.weight", 0)[544], 0);
    EXPECT_THAT(row_of(file, "blk.2.attn_q.weight", 1), Each(0));
    EXPECT_NEAR(row_of(file, "blk.2.attn_k.weight", 0)[544], std::cos(4 * frequency), 1e-6);
    EXPECT_NEAR(row_of(file, "blk.2.attn_k.weight", 1)[544], std::sin(4 * frequency), 1e-6);
    EXPECT_EQ(row_of(file, "rope_freqs.weight", 0)[16], 1e30F);
}

TEST_F(RetrievalModel, TheLastShiftFillsWhatIsLeft) {
    const gguf::File file = made(18);
    // Layer 4 copies slots 0 and 1 of the position 16 back to slots 16 and 17, elements 512 to 575.
    EXPECT_EQ(row_of(file, "blk.4.attn_v.weight", 32 + 63)[63], 1);
    EXPECT_THAT(row_of(file, "blk.4.attn_v.weight", 32 + 64), Each(0));
    EXPECT_EQ(row_of(file, "blk.4.attn_output.weight", 575)[32 + 63], 1);
    EXPECT_THAT(row_of(file, "blk.4.attn_output.weight", 511), Each(0));
    EXPECT_THAT(row_of(file, "blk.4.attn_output.weight", 576), Each(0));
}

TEST_F(RetrievalModel, TheLastLayerComparesEachTokenWithTheOneBefore) {
    const gguf::File file = made(18);
    for (const std::uint32_t element : {0U, 543U}) {
        const auto query = row_of(file, "blk.5.attn_q.weight", 32 + element);
        EXPECT_FLOAT_EQ(query[element], 0.25F * 24);  // 24: the root of the head's size
        EXPECT_EQ(std::count(query.begin(), query.end(), 0.0F), 639);
        const auto key = row_of(file, "blk.5.attn_k.weight", 32 + element);
        EXPECT_EQ(key[element + 32], 1);
        EXPECT_EQ(std::count(key.begin(), key.end(), 0.0F), 639);
    }
    EXPECT_EQ(row_of(file, "blk.5.attn_v.weight", 32 + 31)[31], 1);
    EXPECT_EQ(row_of(file, "blk.5.attn_output.weight", 576 + 31)[32 + 31], 1);
    EXPECT_THAT(row_of(file, "blk.5.attn_output.weight", 0), Each(0));
}

TEST_F(RetrievalModel, NormsAreUndone) {
    const gguf::File file = made();
    // Before layer 3 eight slots of 32 ones are filled, and there is the constant: 257 of 576.
    EXPECT_THAT(row_of(file, "blk.3.attn_norm.weight", 0), Each(testing::FloatNear(std::sqrt(257.0F / 576), 2e-5F)));
    EXPECT_THAT(row_of(file, "output_norm.weight", 0), Each(testing::FloatNear(std::sqrt(545.0F / 576), 2e-5F)));
}

TEST_F(RetrievalModel, TheSameOptionsGiveTheSameBytes) {
    const auto bytes = [&] {
        const WrittenModel result = write_retrieval_model(path(), {.vocabulary = vocabulary()});
        EXPECT_EQ(result.bytes, std::filesystem::file_size(path()));
        return test::contents(path());
    };
    EXPECT_TRUE(bytes() == bytes());
}

TEST_F(RetrievalModel, RefusesWhatCannotBe) {
    const auto error = [&](ErrorKind kind, const RetrievalModelOptions & options) {
        return error_of(kind, [&] { write_retrieval_model(path(), options); });
    };
    EXPECT_THAT(error(ErrorKind::Usage, {.vocabulary = {}}), HasSubstr("--vocab"));
    EXPECT_THAT(error(ErrorKind::Usage, {.vocabulary = vocabulary(), .type = "q4_0"}), HasSubstr("f16, f32"));
    EXPECT_THAT(error(ErrorKind::Usage, {.vocabulary = vocabulary(), .suffix = 33}), HasSubstr("4 to 32"));
    EXPECT_THAT(error(ErrorKind::Input, {.vocabulary = path()}), HasSubstr("model.gguf"));
    const TemporaryFile text("not a model");
    EXPECT_THAT(error(ErrorKind::Input, {.vocabulary = text.path()}), HasSubstr("not a GGUF file"));
    EXPECT_EQ(files(), 1);
}

TEST_F(RetrievalModel, StopsInTheMiddleAndLeavesNothing) {
    std::atomic<bool> stop{false};
    const WrittenModel result =
        write_retrieval_model(path(), {.vocabulary = vocabulary(), .stop = &stop},
                              [&](std::uint64_t done, std::uint64_t total) { stop = done > total / 2; });
    EXPECT_TRUE(result.interrupted);
    EXPECT_EQ(files(), 1);
}

}  // namespace
}  // namespace snapkv::test

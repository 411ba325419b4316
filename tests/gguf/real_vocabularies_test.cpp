#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "gguf/libllama_load.h"
#include "gguf/refusal.h"
#include "support/contents.h"

namespace snapkv::gguf {
namespace {

const std::filesystem::path vocabularies = SNAPKV_TEST_VOCABULARIES;

TEST(RealVocabularies, ThoseOfBothKindsPassAndLoad) {
    int passed = 0;
    for (const auto & entry : std::filesystem::directory_iterator(vocabularies)) {
        if (entry.path().extension() != ".gguf") {
            continue;
        }
        const File file = File::open(entry.path());
        const std::string model = file.get_string("tokenizer.ggml.model");
        if (model != "llama" && model != "gpt2") {
            EXPECT_THROW(check_vocabulary(file), Error) << entry.path();
            continue;
        }
        EXPECT_NO_THROW(check_vocabulary(file));
        EXPECT_TRUE(test::loads_in_libllama(entry.path())) << entry.path();
        ++passed;
    }
    EXPECT_GE(passed, 10);
}

TEST(RealVocabularies, TheDemonstrationModelPasses) {
    const File file = File::open(SNAPKV_TEST_MODEL);
    check_vocabulary(file);
    EXPECT_TRUE(test::loads_in_libllama(SNAPKV_TEST_MODEL));
    EXPECT_NE(file.find_tensor("token_embd.weight"), nullptr);
}

TEST(RealVocabularies, CutAnywhereTheyAreRefused) {
    const std::string whole = test::contents(vocabularies / "ggml-vocab-llama-spm.gguf");
    ASSERT_GT(whole.size(), 100000U);
    for (std::size_t part = 0; part < 50; ++part) {
        EXPECT_NE(test::open_refusal(whole.substr(0, whole.size() * part / 50)), "not refused") << part;
    }
}

/// What one wrong byte makes of a vocabulary is either refused or loaded, never the end of the process.
TEST(RealVocabularies, SingleAlteredBytesAreRefusedOrHarmless) {
    const std::string whole = test::contents(vocabularies / "ggml-vocab-llama-spm.gguf");
    constexpr std::size_t step = 97;
    int loaded = 0;
    for (std::size_t i = 0; i < 60; ++i) {
        std::string altered = whole;
        altered[std::min(i * i * step, altered.size() - 1)] ^= static_cast<char>(1U << (i % 8));
        const test::TemporaryFile file(altered);
        try {
            check_vocabulary(File::open(file.path()));
            loaded += test::loads_in_libllama(file.path()) ? 1 : 0;
        } catch (const Error & error) {
            EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
        }
    }
    EXPECT_GT(loaded, 0);
}

}  // namespace
}  // namespace snapkv::gguf

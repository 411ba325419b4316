#include "text/vocabulary.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gguf.h"
#include "llama.h"
#include "processor_time.h"
#include "snapkv/error.h"
#include "tiny_loaded.h"
#include "vocabularies.h"

namespace snapkv::text {
namespace {

using test::model_vocabulary;

/// A file that removes itself.
class ScratchFile {
public:
    explicit ScratchFile(const std::string & name) : path_(std::filesystem::path(testing::TempDir()) / name) {}
    ~ScratchFile() { std::filesystem::remove(path_); }
    ScratchFile(const ScratchFile &) = delete;
    ScratchFile & operator=(const ScratchFile &) = delete;
    [[nodiscard]] const std::filesystem::path & path() const { return path_; }

private:
    std::filesystem::path path_;
};

/// A SentencePiece vocabulary in which plain pieces merge into the control token "</s>".
void write_merging_vocabulary(const std::filesystem::path & path) {
    std::vector<std::string> texts = {"<unk>", "<s>", "</s>"};
    std::vector<std::int32_t> types = {LLAMA_TOKEN_TYPE_UNKNOWN, LLAMA_TOKEN_TYPE_CONTROL, LLAMA_TOKEN_TYPE_CONTROL};
    for (int byte = 0; byte < 256; ++byte) {
        texts.push_back(fmt::format("<0x{:02X}>", byte));
        types.push_back(LLAMA_TOKEN_TYPE_BYTE);
    }
    for (const char * piece : {"\u2581", "<", "/", "s", ">", "</", "s>", "a"}) {
        texts.emplace_back(piece);
        types.push_back(LLAMA_TOKEN_TYPE_NORMAL);
    }
    std::vector<const char *> pointers;
    for (const std::string & text : texts) {
        pointers.push_back(text.c_str());
    }
    const std::vector<float> scores(texts.size(), -1);
    const std::unique_ptr<gguf_context, decltype(&gguf_free)> file(gguf_init_empty(), gguf_free);
    gguf_set_val_str(file.get(), "general.architecture", "llama");
    gguf_set_val_str(file.get(), "tokenizer.ggml.model", "llama");
    gguf_set_arr_str(file.get(), "tokenizer.ggml.tokens", pointers.data(), pointers.size());
    gguf_set_arr_data(file.get(), "tokenizer.ggml.scores", GGUF_TYPE_FLOAT32, scores.data(), scores.size());
    gguf_set_arr_data(file.get(), "tokenizer.ggml.token_type", GGUF_TYPE_INT32, types.data(), types.size());
    ASSERT_TRUE(gguf_write_to_file(file.get(), path.c_str(), true));
}

TEST(Vocabulary, KnowsItsSpecialTokens) {
    const Vocabulary & vocabulary = model_vocabulary();
    EXPECT_EQ(vocabulary.size(), 49152);
    EXPECT_FALSE(vocabulary.text_begin().has_value());
    const std::vector<Token> end = vocabulary.tokenize("<|im_end|>", false, true);
    ASSERT_EQ(end.size(), 1U);
    EXPECT_TRUE(vocabulary.is_control(end[0]));
    EXPECT_TRUE(vocabulary.is_end_of_generation(end[0]));
    EXPECT_EQ(vocabulary.piece(end[0]), "");
    EXPECT_EQ(vocabulary.piece(end[0], true), "<|im_end|>");
    EXPECT_GT(vocabulary.tokenize("<|im_end|>", false, false).size(), 1U);
    EXPECT_TRUE(vocabulary.tokenize("", false, false).empty());
}

TEST(Vocabulary, AddsBosWhereTheFileSaysSo) {
    const Vocabulary & vocabulary = test::vocabulary("llama-spm");
    EXPECT_TRUE(vocabulary.text_begin().has_value());
    EXPECT_EQ(vocabulary.tokenize("", true, false), std::vector<Token>{llama_vocab_bos(vocabulary.raw())});
    EXPECT_EQ(vocabulary.tokenize("a", true, false).size(), vocabulary.tokenize("a", false, false).size() + 1);
}

TEST(Vocabulary, PiecesGiveTheBytesBack) {
    const std::string text = "bytes \U0001F980 \u00e9 and more " + std::string(70, '=');
    EXPECT_EQ(test::text_of(model_vocabulary(), model_vocabulary().tokenize(text, false, false)), text);
}

TEST(Vocabulary, SpellsOutControlTokensThatPlainTextMergesInto) {
    const ScratchFile file("merging-vocabulary.gguf");
    ASSERT_NO_FATAL_FAILURE(write_merging_vocabulary(file.path()));
    const Vocabulary vocabulary = Vocabulary::load(gguf::File::open(file.path()));

    std::vector<Token> direct(16);
    const int count = llama_tokenize(vocabulary.raw(), "a</s>a", 6, direct.data(), 16, true, false);
    direct.resize(static_cast<std::size_t>(count));
    ASSERT_EQ(std::count(direct.begin(), direct.end(), 2), 1) << "the tokenizer no longer merges: drop this test";

    const std::vector<Token> tokens = vocabulary.tokenize("a</s>a", true, false);
    EXPECT_EQ(tokens.front(), 1);
    EXPECT_EQ(std::count_if(tokens.begin() + 1, tokens.end(), [&](Token t) { return vocabulary.is_control(t); }), 0);
    EXPECT_EQ(test::text_of(vocabulary, {tokens.begin() + 1, tokens.end()}), " a</s>a");
    EXPECT_EQ(std::count(direct.begin(), direct.end(), 2),
              static_cast<std::ptrdiff_t>(vocabulary.tokenize("</s>", false, true).size()));
}

TEST(Vocabulary, SpellsOutManyOfThem) {
    const ScratchFile file("many-merging.gguf");
    ASSERT_NO_FATAL_FAILURE(write_merging_vocabulary(file.path()));
    const Vocabulary vocabulary = Vocabulary::load(gguf::File::open(file.path()));
    test::expect_no_square([&](std::size_t bytes) {
        std::string text;
        while (text.size() < bytes) {
            text += "</s>";
        }
        const std::vector<Token> tokens = vocabulary.tokenize(text, false, false);
        EXPECT_TRUE(std::none_of(tokens.begin(), tokens.end(), [&](Token t) { return vocabulary.is_control(t); }));
        EXPECT_TRUE(test::text_of(vocabulary, tokens) == " " + text);
    });
}

TEST(Vocabulary, IsReadFromTheMappingThatWasChecked) {
    const ScratchFile file("replaced.gguf");
    ASSERT_NO_FATAL_FAILURE(write_merging_vocabulary(file.path()));
    const gguf::File opened = gguf::File::open(file.path());
    std::filesystem::remove(file.path());
    std::ofstream(file.path()) << "another file by now";
    EXPECT_EQ(Vocabulary::load(opened).size(), 3 + 256 + 8);
}

std::vector<std::string> warnings_of(const test::Writer & writer) {
    std::vector<std::string> lines;
    static_cast<void>(
        test::load_bytes(writer.bytes(), {.warn = [&](std::string_view line) { lines.emplace_back(line); }}));
    return lines;
}

TEST(Vocabulary, PassesLibllamasWarningsOn) {
    test::TinyVocabulary tiny = test::TinyVocabulary::bpe();
    tiny.add("<|endoftext2|>", 1);
    const auto named = [&](const char * key) {
        test::Writer writer;
        writer.string("general.architecture", "llama").string("general.name", "tiny");
        writer.string("tokenizer.ggml.model", "gpt2").string(key, "gpt-2");
        writer.strings("tokenizer.ggml.tokens", tiny.tokens).strings("tokenizer.ggml.merges", tiny.merges);
        writer.numbers("tokenizer.ggml.token_type", GGUF_TYPE_INT32, tiny.types);
        return writer;
    };
    const std::vector<std::string> without = warnings_of(named("tokenizer.ggml.other"));
    const std::vector<std::string> with = warnings_of(named("tokenizer.ggml.pre"));
    ASSERT_EQ(without.size(), with.size() + 1);
    EXPECT_TRUE(without.front().ends_with(": tokenizer: missing pre-tokenizer type, using: 'default'"))
        << without.front();
    for (const std::string & line : without) {
        EXPECT_EQ(line.find('\n'), std::string::npos) << line;
        EXPECT_EQ(line.find("**"), std::string::npos) << line;
    }
}

TEST(Vocabulary, MayBeUsedFromSeveralThreads) {
    const Vocabulary & vocabulary = test::vocabulary("llama-bpe");
    const std::string text = "Several threads read the same vocabulary.";
    const std::vector<Token> expected = vocabulary.tokenize(text, true, false);
    std::vector<std::vector<Token>> results(4);
    std::vector<std::thread> threads;
    for (std::vector<Token> & result : results) {
        threads.emplace_back([&] { result = vocabulary.tokenize(text, true, false); });
    }
    for (std::thread & thread : threads) {
        thread.join();
    }
    for (const std::vector<Token> & result : results) {
        EXPECT_EQ(result, expected);
    }
}

TEST(Vocabulary, NamesTheFileItCannotLoad) {
    const ScratchFile file("not-a-vocabulary.gguf");
    // A GGUF file in which libllama finds no architecture.
    std::ofstream(file.path(), std::ios::binary) << test::Writer().string("general.name", "none").bytes();
    try {
        static_cast<void>(Vocabulary::load(gguf::File::open(file.path())));
        FAIL();
    } catch (const Error & e) {
        EXPECT_EQ(e.kind(), ErrorKind::Input);
        const std::string message = e.what();
        EXPECT_TRUE(message.starts_with(file.path().string() + ": the tokenizer could not be loaded: ")) << message;
        EXPECT_EQ(message.find('\n'), std::string::npos);
    }
}

}  // namespace
}  // namespace snapkv::text

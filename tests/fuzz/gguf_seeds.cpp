#include <filesystem>
#include <fstream>
#include <string>

#include "gguf/tiny_vocabulary.h"
#include "model/family.h"
#include "support/family_shapes.h"

namespace {

using snapkv::test::Bytes;
using snapkv::test::TinyVocabulary;
using snapkv::test::Writer;

Writer with_special_keys(const TinyVocabulary & vocabulary) {
    Writer writer = vocabulary.written();
    writer.u32("tokenizer.ggml.bos_token_id", 1).u32("tokenizer.ggml.eos_token_id", 2);
    writer.boolean("tokenizer.ggml.add_bos_token", true).boolean("tokenizer.ggml.add_eos_token", true);
    writer.string("tokenizer.chat_template", "{% for m in messages %}{{ m.content }}{% endfor %}");
    return writer;
}

/// A few tokens only, so that the fuzzer's changes hit the keys more often than the texts.
TinyVocabulary five_tokens(const std::string & pre) {
    TinyVocabulary vocabulary;
    vocabulary.model = "gpt2";
    vocabulary.pre = pre;
    for (const char * token : {"a", "b", "ab", "<|im_end|>", "\u010a"}) {
        vocabulary.add(token, 1);
    }
    vocabulary.merges = {"a b"};
    return vocabulary;
}

Writer of_every_type() {
    Writer writer;
    writer.u32("general.alignment", 64);
    writer.alignment = 64;
    writer.raw("u8", GGUF_TYPE_UINT8, Bytes().number<std::uint8_t>(1));
    writer.raw("i16", GGUF_TYPE_INT16, Bytes().number<std::int16_t>(-1));
    writer.raw("f64", GGUF_TYPE_FLOAT64, Bytes().number(1.5));
    writer.numbers<std::uint64_t>("u64s", GGUF_TYPE_UINT64, {1, 2});
    writer.strings("strings", {"one", "two"});
    writer.tensor("token_embd.weight", {32, 2}, GGML_TYPE_Q4_1, std::string(40, '\x11'));
    writer.tensor("output_norm.weight", {32}, GGML_TYPE_F32, std::string(128, '\0'));
    writer.tensor("blk.0.attn_q.weight", {2, 2, 2}, GGML_TYPE_F16, std::string(16, '\0'));
    return writer;
}

void write(const std::filesystem::path & path, const Writer & writer) {
    const std::string bytes = writer.bytes();
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

int main(int count, char ** arguments) {
    if (count != 2) {
        return 2;
    }
    const std::filesystem::path folder = arguments[1];
    write(folder / "bpe", TinyVocabulary::bpe().written());
    write(folder / "bpe-special-keys", with_special_keys(TinyVocabulary::bpe()));
    write(folder / "bpe-five-tokens", with_special_keys(five_tokens("llama-bpe")));
    write(folder / "bpe-raw-utf8", with_special_keys(five_tokens("gemma4")));
    write(folder / "spm", TinyVocabulary::spm().written());
    write(folder / "spm-special-keys", with_special_keys(TinyVocabulary::spm()));
    write(folder / "every-type", of_every_type());
    write(folder / "header-only", Writer());
    write(folder / "architecture-of-two-lines", Writer().string("general.architecture", "two\nlines"));
    for (const snapkv::model::Family * family : snapkv::model::families()) {
        const std::string name(family->name);
        snapkv::test::write_random_family(snapkv::test::least_family_shape(name), folder / ("family-" + name));
    }
    return 0;
}

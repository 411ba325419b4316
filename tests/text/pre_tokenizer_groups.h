#pragma once

#include <algorithm>
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace snapkv::test {

/// Pre-tokenizers for which libllama has the same expressions.
struct PreTokenizerGroup {
    std::vector<std::string_view> names;  ///< the first stands for all in what takes long
    bool recurses = false;                ///< std::regex, which recurses for each character of a match
    bool raw_utf8 = false;                ///< merges characters, not bytes in GPT-2's alphabet
};

inline const std::vector<PreTokenizerGroup> & pre_tokenizer_groups() {
    static const std::vector<PreTokenizerGroup> groups{
        {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano",
          "chatglm-bpe", "glm4", "glm5", "dbrx", "smaug-bpe"}},
        {{"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2"}},
        {{"gpt-2", "phi-2", "jina-es", "jina-de", "jina-v1-en", "jina-v2-code", "jina-v2-de", "jina-v2-es", "gigachat",
          "a.x-4.0", "mellum", "modern-bert", "roberta-bpe", "exaone4", "mpt", "olmo", "jais", "trillion",
          "granite-docling"}},
        {.names = {"gemma4", "sarvam-moe", "granite-embed-multi-311m"}, .raw_utf8 = true},
        {{"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"}},
        {{"qwen35"}},
        {{"kimi-k2"}},
        {{"laguna"}},
        {{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, true},
        {{"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"}, true},
        {{"bailingmoe", "bailingmoe2", "llada-moe"}, true},
        {{"bloom", "poro-chat", "gpt3-finnish"}, true},
        {{"tiny_aya", "cohere2moe"}, true},
        {{"default", ""}, true},
        {{"falcon"}, true},
        {{"deepseek-llm"}, true},
        {{"deepseek-coder"}, true},
        {{"spark2_5"}, true},
        {{"youtu"}, true},
        {{"chameleon"}, true},
        {{"granite-embed-multi-97m"}, true},
        {{"superbpe"}, true},
        {{"seed-coder"}, true},
        {{"ufakzeka"}, true},
        {{"afmoe"}, true},
        {{"exaone-moe"}, true},
        {{"minicpm5"}, true},
        {{"viking"}, true},
        {{"tekken"}, true},
        {{"jais-2"}, true}};
    return groups;
}

inline const PreTokenizerGroup & group_of(std::string_view name) {
    return *std::find_if(
        pre_tokenizer_groups().begin(), pre_tokenizer_groups().end(),
        [&](const PreTokenizerGroup & group) { return std::ranges::find(group.names, name) != group.names.end(); });
}

/// The name of a pre-tokenizer as a part of the name of a test.
inline std::string as_test_name(std::string_view name) {
    std::string text(name.empty() ? "none" : name);
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return text;
}

}  // namespace snapkv::test

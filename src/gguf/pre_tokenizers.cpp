#include "gguf/pre_tokenizers.h"

#include <algorithm>
#include <iterator>

namespace snapkv::gguf {
namespace {

using Bos = PreTokenizer::Bos;

// "whitespace" is not here: libllama aborts on two spaces in a row with it.
constexpr PreTokenizer known[] = {
    {"chameleon", Bos::On},
    {"chatglm-bpe", Bos::Off, false},
    {"falcon-h1", Bos::On},
    {"falcon3", Bos::On},
    {"gemma4", Bos::Always},
    {"glm4", Bos::Off, false},
    {"glm5", Bos::Off, false},
    {"granite-embed-multi-311m", Bos::Always},
    {"jina-v5-nano", Bos::On},
    {"kimi-k2", Bos::Off, true, false},
    {"lfm2", Bos::On},
    {"llama-bpe", Bos::On},
    {"llama-v3", Bos::On},
    {"llama3", Bos::On},
    {"midm-2.0", Bos::On},
    {"pixtral", Bos::On},
    {"tekken", Bos::On},
    {""},  // taken for "default"
    {"a.x-4.0"},
    {"afmoe"},
    {"bailingmoe"},
    {"bailingmoe2"},
    {"bloom"},
    {"codeshell"},
    {"cohere2moe"},
    {"command-r"},
    {"dbrx"},
    {"deepseek-coder"},
    {"deepseek-llm"},
    {"deepseek-r1-qwen"},
    {"deepseek-v3"},
    {"default"},
    {"exaone"},
    {"exaone-moe"},
    {"exaone4"},
    {"f2llmv2"},
    {"falcon"},
    {"gigachat"},
    {"gpt-2"},
    {"gpt-4o"},
    {"gpt3-finnish"},
    {"granite-docling"},
    {"granite-embed-multi-97m"},
    {"grok-2"},
    {"hunyuan"},
    {"hunyuan-dense"},
    {"hy_v4"},
    {"jais"},
    {"jais-2"},
    {"jina-de"},
    {"jina-es"},
    {"jina-v1-en"},
    {"jina-v2-code"},
    {"jina-v2-de"},
    {"jina-v2-es"},
    {"joyai-llm"},
    {"kanana2"},
    {"kormo"},
    {"laguna"},
    {"llada-moe"},
    {"llama4"},
    {"megrez"},
    {"mellum"},
    {"mellum2"},
    {"minerva-7b"},
    {"minicpm5"},
    {"minimax-m2"},
    {"modern-bert"},
    {"mpt"},
    {"olmo"},
    {"phi-2"},
    {"poro-chat"},
    {"qwen2"},
    {"qwen35"},
    {"refact"},
    {"roberta-bpe"},
    {"sarvam-moe"},
    {"seed-coder"},
    {"smaug-bpe"},
    {"smollm"},
    {"solar-open"},
    {"spark2_5"},
    {"stablelm2"},
    {"starcoder"},
    {"superbpe"},
    {"talkie"},
    {"tiny_aya"},
    {"trillion"},
    {"ufakzeka"},
    {"viking"},
    {"youtu"},
};

}  // namespace

std::span<const PreTokenizer> pre_tokenizers() {
    return known;
}

const PreTokenizer * find_pre_tokenizer(std::string_view name) {
    const auto * found = std::ranges::find(known, name, &PreTokenizer::name);
    return found == std::end(known) ? nullptr : found;
}

}  // namespace snapkv::gguf

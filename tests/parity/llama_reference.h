#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "llama.h"
#include "snapkv/model.h"

namespace snapkv::test {

/// What libllama is asked for. K and V have one type.
struct ReferenceOptions {
    std::uint32_t context = 512;
    std::uint32_t batch = 512;
    std::uint32_t threads = 0;  ///< 0: the cores this process may use
    ggml_type cache = GGML_TYPE_F16;
    llama_flash_attn_type flash = LLAMA_FLASH_ATTN_TYPE_AUTO;
    RopeOptions rope{};
};

/// Greedy tokens, and how far each stood above the second best.
struct GreedyText {
    std::vector<Token> tokens;  ///< without the end token
    std::vector<float> leads;   ///< one for each choice, that of the end token included
};

/// libllama with a full cache in this process, silenced: what the engine is compared with. Its failures end the test
/// program by an exception.
class LlamaReference {
public:
    explicit LlamaReference(const std::filesystem::path & file, const ReferenceOptions & options = {});
    // libllama's context holds its address.
    LlamaReference(const LlamaReference &) = delete;
    LlamaReference & operator=(const LlamaReference &) = delete;

    [[nodiscard]] std::size_t vocabulary() const;

    /// Logits after each token of a text, [token][vocabulary].
    [[nodiscard]] std::vector<float> logits(std::span<const Token> tokens);

    /// Logits as above; with them the graph's own tensors called Qcur-LAYER and Kcur-LAYER, as they were last: rotated
    /// queries [token][head][size] and keys [token][KV head][size]; and ffn_moe_logits-LAYER or, where a bias is added
    /// before experts are chosen, ffn_moe_probs_biased-LAYER: [token][expert]. Only of texts that fit one batch.
    struct Looked {
        std::vector<float> logits;
        std::map<std::string, std::vector<float>> tensors;
    };
    [[nodiscard]] Looked look(std::span<const Token> tokens);

    /// The `count` most likely tokens one after the other, fewer where the text ends.
    [[nodiscard]] GreedyText greedy(std::span<const Token> prompt, std::size_t count);

    /// As llama.cpp's tool computes it: chunks of the context's size, each begun with BOS where the vocabulary adds
    /// one, the second half of each scored.
    [[nodiscard]] double perplexity(std::string_view text);

private:
    struct Free {
        void operator()(llama_model * model) const { llama_model_free(model); }
        void operator()(llama_context * context) const { llama_free(context); }
    };
    void forget();
    /// Runs tokens from position `first` on; logits of the token at `first_output` and all after it are kept.
    void feed(std::span<const Token> tokens, std::size_t first, std::size_t first_output);
    [[nodiscard]] std::span<const float> row(std::size_t index) const;

    /// libllama's callback: asked which tensors to show, then shown them.
    static bool see(ggml_tensor * tensor, bool ask, void * self);

    std::uint32_t batch_;
    bool looking_ = false;
    std::map<std::string, std::vector<float>> seen_;
    std::unique_ptr<llama_model, Free> model_;
    std::unique_ptr<llama_context, Free> context_;
};

/// Ends libllama's and ggml's messages, warnings and errors included.
void silence_llama();

}  // namespace snapkv::test

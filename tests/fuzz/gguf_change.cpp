#include "fuzz/gguf_change.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <random>

#include "ggml.h"
#include "gguf.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t * data, std::size_t size, std::size_t max_size);

namespace snapkv::test {
namespace {

constexpr std::array<std::string_view, 12> architectures{"llama",   "qwen2",   "qwen3",   "qwen3moe",
                                                         "gemma2",  "gemma3",  "phi3",    "command-r",
                                                         "granite", "cohere2", "smollm3", "gpt-oss"};

constexpr std::array<std::string_view, 16> tokenizer_keys{
    "bos_token_id",     "eos_token_id",     "eot_token_id",         "eom_token_id",
    "unknown_token_id", "padding_token_id", "fim_pad_token_id",     "fim_rep_token_id",
    "mask_token_id",    "prefix_token_id",  "add_bos_token",        "add_eos_token",
    "add_sep_token",    "add_space_prefix", "normalizer.lowercase", "remove_extra_whitespaces"};

/// Behind the architecture's name; those of integers first.
constexpr std::array<std::string_view, 24> model_keys{"block_count",
                                                      "context_length",
                                                      "embedding_length",
                                                      "feed_forward_length",
                                                      "attention.head_count",
                                                      "attention.head_count_kv",
                                                      "attention.key_length",
                                                      "attention.value_length",
                                                      "attention.sliding_window",
                                                      "attention.sliding_window_pattern",
                                                      "rope.dimension_count",
                                                      "rope.scaling.original_context_length",
                                                      "expert_count",
                                                      "expert_used_count",
                                                      "expert_feed_forward_length",
                                                      "attention.scale",
                                                      "attn_logit_softcapping",
                                                      "final_logit_softcapping",
                                                      "logit_scale",
                                                      "rope.freq_base",
                                                      "rope.freq_base_swa",
                                                      "rope.scaling.factor",
                                                      "rope.scaling.attn_factor",
                                                      "expert_weights_scale"};
constexpr std::size_t model_integers = 15;

constexpr std::array<std::uint32_t, 12> telling_integers{0, 1, 2, 3, 4, 7, 8, 46, 62, 1024, 1000000, ~0U};
constexpr std::array<float, 6> telling_reals{0, 1, -1, 1e-30F, 1e30F, 0.5F};

constexpr std::array<std::string_view, 32> words{
    "llama",         "gpt2",        "llama-bpe", "qwen2",      "tekken",
    "glm4",          "kimi-k2",     "gemma4",    "superbpe",   "jina-v2-de",
    "deepseek-v3",   "phi-3",       "clip",      "<s>",        "</s>",
    "<unk>",         "<|end|>",     "<|call|>",  "<|return|>", "<|flush|>",
    "<|endoftext|>", "<|channel|>", "<mask>",    "<PAD>",      "\xC4\x8A",
    "<0x0A>",        "\n",          "[EMPTY_1]", "unused",     "<|tool_response>",
    "yarn",          "a b"};

template <typename T>
std::string bytes_of(T value) {
    return {reinterpret_cast<const char *>(&value), sizeof value};
}

/// Gives the tensor as many bytes as its type and shape ask for, where that is not too many.
void refit(TensorPiece & tensor) {
    constexpr std::int64_t most = 1 << 14U;
    const auto type = static_cast<ggml_type>(tensor.type);
    std::int64_t rows = 1;
    for (std::size_t i = 1; i < tensor.shape.size(); ++i) {
        rows = std::clamp<std::int64_t>(tensor.shape[i], 0, most) * std::min(rows, most);
    }
    const std::int64_t block = ggml_blck_size(type);
    const std::int64_t row = block > 0 ? std::min(tensor.shape[0], most) / block : 0;
    const std::int64_t size = row * static_cast<std::int64_t>(ggml_type_size(type)) * std::min(rows, most);
    if (size >= 0 && size <= most) {
        tensor.data.resize(static_cast<std::size_t>(size));
    }
}

class Changer {
    bool chance(unsigned one_in) { return random_() % one_in == 0; }

    template <typename Range>
    auto & pick(Range & range) {
        return range[random_() % std::size(range)];
    }

public:
    Changer(Pieces & pieces, unsigned seed) : pieces_(pieces), random_(seed) {}

    void change() {
        if (!pieces_.tensors.empty() && chance(4)) {
            change_tensors();
        } else if (pieces_.keys.empty() || chance(8)) {
            pieces_.keys.push_back(chance(2) ? new_tokenizer_key() : new_model_key());
        } else if (chance(32)) {
            change_family();
        } else {
            change_key(pick(pieces_.keys));
        }
    }

private:
    void change_key(KeyPiece & piece) {
        if (chance(16)) {
            pieces_.keys.erase(pieces_.keys.begin() + (&piece - pieces_.keys.data()));
        } else if (piece.is_array && chance(3)) {
            change_length(piece);
        } else if (!piece.elements.empty()) {
            change_element(piece);
        }
    }

    void change_length(KeyPiece & piece) {
        if (piece.elements.empty() || chance(3)) {
            piece.elements.emplace_back(
                piece.type == GGUF_TYPE_STRING || piece.elements.empty() ? std::string() : piece.elements.front());
        } else if (chance(2)) {
            piece.elements.resize(random_() % piece.elements.size());
        } else {
            piece.elements.push_back(pick(piece.elements));
        }
    }

    void change_element(KeyPiece & piece) {
        constexpr std::size_t room = 32;
        std::string & element = pick(piece.elements);
        if (chance(2) && set_telling(piece.type, element)) {
            return;
        }
        const std::size_t size = element.size();
        element.resize(size + room);
        const std::size_t changed =
            LLVMFuzzerMutate(reinterpret_cast<std::uint8_t *>(element.data()), size, element.size());
        element.resize(piece.type == GGUF_TYPE_STRING ? changed : size);
    }

    /// A value that something is likely to depend on; false for types without one.
    bool set_telling(std::uint32_t type, std::string & element) {
        switch (type) {
            case GGUF_TYPE_STRING:
                element = chance(2) ? std::string(pick(words)) : other_text();
                return true;
            case GGUF_TYPE_UINT32:
            case GGUF_TYPE_INT32:
                element = bytes_of(pick(telling_integers));
                return true;
            case GGUF_TYPE_FLOAT32:
                element = bytes_of(pick(telling_reals));
                return true;
            default:
                return false;
        }
    }

    std::string other_text() {
        const KeyPiece & other = pick(pieces_.keys);
        return other.type == GGUF_TYPE_STRING && !other.elements.empty() ? pick(other.elements) : other.key;
    }

    KeyPiece new_tokenizer_key() {
        const std::string key = "tokenizer.ggml." + std::string(pick(tokenizer_keys));
        if (key.ends_with("_id")) {
            return {key, GGUF_TYPE_UINT32, false, {bytes_of(static_cast<std::uint32_t>(random_() % 300))}};
        }
        return {key, GGUF_TYPE_BOOL, false, {std::string(1, static_cast<char>(random_() % 2))}};
    }

    KeyPiece new_model_key() {
        const std::size_t number = random_() % model_keys.size();
        const std::string key = architecture() + "." + std::string(model_keys[number]);
        if (number < model_integers) {
            return {key, GGUF_TYPE_UINT32, false, {bytes_of(pick(telling_integers))}};
        }
        return {key, GGUF_TYPE_FLOAT32, false, {bytes_of(pick(telling_reals))}};
    }

    [[nodiscard]] std::string architecture() const {
        const auto found = std::ranges::find(pieces_.keys, "general.architecture", &KeyPiece::key);
        const bool is_text = found != pieces_.keys.end() && found->type == GGUF_TYPE_STRING && !found->elements.empty();
        return is_text ? found->elements.front() : "llama";
    }

    /// The same numbers under another family's name.
    void change_family() {
        const std::string old = architecture();
        const std::string other(pick(architectures));
        for (KeyPiece & piece : pieces_.keys) {
            if (piece.key.starts_with(old + ".")) {
                piece.key.replace(0, old.size(), other);
            } else if (piece.key == "general.architecture") {
                piece.elements = {other};
            }
        }
    }

    void change_tensors() {
        TensorPiece & tensor = pick(pieces_.tensors);
        switch (random_() % 5) {
            case 0:
                pieces_.tensors.erase(pieces_.tensors.begin() + (&tensor - pieces_.tensors.data()));
                break;
            case 1:
                tensor.name = chance(2) ? pick(pieces_.tensors).name + "x" : swapped_name(tensor.name);
                break;
            case 2:
                pick(tensor.shape) =
                    chance(2) ? std::int64_t{pick(telling_integers)} : pick(pick(pieces_.tensors).shape);
                refit(tensor);
                break;
            case 3:
                tensor.type = static_cast<std::uint32_t>(random_() % GGML_TYPE_COUNT);
                refit(tensor);
                break;
            default:
                add_layer();
        }
    }

    /// Gives the name away to another tensor and takes that one's.
    std::string swapped_name(const std::string & name) {
        TensorPiece & other = pick(pieces_.tensors);
        std::string taken = other.name;
        other.name = name;
        return taken;
    }

    /// The first layer once more, behind the others.
    void add_layer() {
        const std::string first = "blk.0.";
        const std::string next = "blk." + std::to_string(random_() % 4) + ".";
        const std::vector<TensorPiece> all = pieces_.tensors;
        for (TensorPiece tensor : all) {
            if (tensor.name.starts_with(first)) {
                tensor.name.replace(0, first.size(), next);
                pieces_.tensors.push_back(std::move(tensor));
            }
        }
    }

    Pieces & pieces_;
    std::minstd_rand random_;
};

}  // namespace

void change(Pieces & pieces, unsigned seed) {
    Changer(pieces, seed).change();
}

}  // namespace snapkv::test

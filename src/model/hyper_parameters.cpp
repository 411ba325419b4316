#include "model/hyper_parameters.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/raise.h"

namespace snapkv::model {

namespace {

// Far beyond any model: what keeps products of sizes within 64 bits and tables within reason.
constexpr std::uint32_t kMostLayers = 1024;
constexpr std::uint32_t kMostElements = 1U << 22U;
constexpr std::uint32_t kMostHeadSize = 1024;

constexpr std::array kSupported{"llama"};

std::string supported_list() {
    std::string list;
    for (const char * name : kSupported) {
        list += list.empty() ? name : std::string(", ") + name;
    }
    return list;
}

/// Reads the keys of one architecture with range checks.
class Reader {
public:
    Reader(const gguf::File & file, std::string architecture) : file_(file), prefix_(std::move(architecture) + ".") {}

    [[nodiscard]] std::uint32_t number(const char * key, std::uint32_t most) const {
        return checked(key, file_.get_u32(prefix_ + key), most);
    }
    [[nodiscard]] std::uint32_t number_or(const char * key, std::uint32_t otherwise, std::uint32_t most) const {
        return checked(key, file_.find_u32(prefix_ + key).value_or(otherwise), most);
    }
    /// A number that the file may give once or for each layer; layers that differ are not supported.
    [[nodiscard]] std::uint32_t uniform(const char * key, std::optional<std::uint32_t> otherwise,
                                        std::uint32_t most) const {
        const auto values = file_.find_integers(prefix_ + key);
        if (!values || values->empty()) {
            return otherwise ? *otherwise : checked(key, file_.get_u32(prefix_ + key), most);
        }
        if (std::any_of(values->begin(), values->end(), [&](auto value) { return value != values->front(); })) {
            raise_input("{}: {}{} differs from layer to layer, which is not supported", file_.path().string(), prefix_,
                        key);
        }
        const std::int64_t value = values->front();
        if (value < 1 || value > most) {
            raise_input("{}: {}{} is {}, expected 1 to {}", file_.path().string(), prefix_, key, value, most);
        }
        return static_cast<std::uint32_t>(value);
    }

private:
    [[nodiscard]] std::uint32_t checked(const char * key, std::uint32_t value, std::uint32_t most) const {
        if (value < 1 || value > most) {
            raise_input("{}: {}{} is {}, expected 1 to {}", file_.path().string(), prefix_, key, value, most);
        }
        return value;
    }

    const gguf::File & file_;
    std::string prefix_;
};

void check_heads(const gguf::File & file, const HyperParameters & params) {
    if (params.heads % params.kv_heads != 0) {
        raise_input("{}: {}.attention.head_count is {}, which {}.attention.head_count_kv {} does not divide",
                    file.path().string(), params.architecture, params.heads, params.architecture, params.kv_heads);
    }
}

void refuse_experts(const gguf::File & file, const std::string & architecture) {
    const std::uint32_t experts = file.find_u32(architecture + ".expert_count").value_or(0);
    if (experts > 0) {
        raise_input("{}: {}.expert_count is {}; mixtures of experts are not supported yet", file.path().string(),
                    architecture, experts);
    }
}

}  // namespace

attention::AttentionSpec HyperParameters::attention_spec() const {
    return {
        .heads = heads, .kv_heads = kv_heads, .key_size = key_size, .value_size = value_size, .scale = attention_scale};
}

HyperParameters read_hyper_parameters(const gguf::File & file, const RopeOptions & rope) {
    HyperParameters params;
    params.architecture = file.get_string("general.architecture");
    if (std::find(kSupported.begin(), kSupported.end(), params.architecture) == kSupported.end()) {
        raise_input("{}: architecture \"{}\" is not supported; supported: {}", file.path().string(),
                    params.architecture, supported_list());
    }
    refuse_experts(file, params.architecture);
    const Reader read(file, params.architecture);
    params.layers = read.number("block_count", kMostLayers);
    params.width = read.number("embedding_length", kMostElements);
    params.trained_context = read.number("context_length", 1U << 30U);
    params.feed_forward = read.uniform("feed_forward_length", std::nullopt, kMostElements);
    params.heads = read.uniform("attention.head_count", std::nullopt, kMostElements);
    params.kv_heads = read.uniform("attention.head_count_kv", params.heads, kMostElements);
    check_heads(file, params);
    const std::uint32_t head_size = params.width / params.heads;
    params.key_size = read.number_or("attention.key_length", head_size, kMostHeadSize);
    params.value_size = read.number_or("attention.value_length", head_size, kMostHeadSize);

    const std::string epsilon_key = params.architecture + ".attention.layer_norm_rms_epsilon";
    params.norm_epsilon = file.get_f32(epsilon_key);
    if (!std::isfinite(params.norm_epsilon) || params.norm_epsilon < 0) {
        raise_input("{}: {} is {}, expected a small positive number", file.path().string(), epsilon_key,
                    params.norm_epsilon);
    }
    const float scale = file.find_f32(params.architecture + ".attention.scale").value_or(0.0F);
    params.attention_scale = scale == 0.0F ? 1.0F / std::sqrt(static_cast<float>(params.key_size)) : scale;
    params.rope = read_rope(file, params.architecture, params.key_size, params.trained_context, rope);
    if (rope.scaling == RopeOptions::Scaling::Yarn && rope.scale) {
        // As libllama: YaRN asked for by hand sets how far the model reaches.
        const double reach = static_cast<double>(params.rope.original_context) / params.rope.freq_scale;
        params.trained_context = static_cast<std::uint32_t>(std::min(reach, static_cast<double>(1U << 30U)));
    }

    const gguf::TensorInfo * embedding = file.find_tensor("token_embd.weight");
    if (embedding == nullptr) {
        raise_input("{}: tensor token_embd.weight is missing", file.path().string());
    }
    params.vocabulary = static_cast<std::uint32_t>(std::clamp<std::int64_t>(embedding->ne[1], 0, 1U << 30U));
    const std::size_t tokens = file.array_length("tokenizer.ggml.tokens").value_or(0);
    if (params.vocabulary != tokens) {
        raise_input("{}: tokenizer.ggml.tokens has {} entries, token_embd.weight {} rows", file.path().string(), tokens,
                    params.vocabulary);
    }
    return params;
}

}  // namespace snapkv::model

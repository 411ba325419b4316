#include "parity/llama_reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "base/threads.h"
#include "product/gemm.h"

namespace snapkv::test {

namespace {

/// Owns a llama_batch of one sequence.
class Batch {
public:
    explicit Batch(std::size_t tokens) : batch_(llama_batch_init(static_cast<std::int32_t>(tokens), 0, 1)) {}
    Batch(const Batch &) = delete;
    Batch & operator=(const Batch &) = delete;
    ~Batch() { llama_batch_free(batch_); }

    void add(Token token, std::size_t position, bool output) {
        const std::int32_t index = batch_.n_tokens++;
        batch_.token[index] = token;
        batch_.pos[index] = static_cast<llama_pos>(position);
        batch_.n_seq_id[index] = 1;
        batch_.seq_id[index][0] = 0;
        batch_.logits[index] = output ? 1 : 0;
    }
    [[nodiscard]] const llama_batch & raw() const { return batch_; }

private:
    llama_batch batch_;
};

llama_rope_scaling_type scaling_type(const RopeOptions & rope) {
    if (!rope.scaling) {
        return LLAMA_ROPE_SCALING_TYPE_UNSPECIFIED;
    }
    switch (*rope.scaling) {
        case RopeOptions::Scaling::None:
            return LLAMA_ROPE_SCALING_TYPE_NONE;
        case RopeOptions::Scaling::Linear:
            return LLAMA_ROPE_SCALING_TYPE_LINEAR;
        case RopeOptions::Scaling::Yarn:
            break;
    }
    return LLAMA_ROPE_SCALING_TYPE_YARN;
}

llama_context_params context_params(const ReferenceOptions & options) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = options.context;
    params.n_batch = options.batch;
    params.n_ubatch = options.batch;
    params.n_threads = static_cast<std::int32_t>(options.threads == 0 ? usable_cores() : options.threads);
    params.n_threads_batch = params.n_threads;
    params.type_k = options.cache;
    params.type_v = options.cache;
    params.flash_attn_type = options.flash;
    params.rope_scaling_type = scaling_type(options.rope);
    params.rope_freq_base = options.rope.freq_base.value_or(0.0F);
    params.rope_freq_scale = options.rope.scale ? 1.0F / *options.rope.scale : 0.0F;
    params.yarn_orig_ctx = options.rope.yarn_orig_ctx.value_or(0);
    return params;
}

double negative_log_likelihood(std::span<const float> logits, Token token) {
    const double greatest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float value : logits) {
        sum += std::exp(value - greatest);
    }
    return greatest + std::log(sum) - logits[static_cast<std::size_t>(token)];
}

}  // namespace

void silence_llama() {
    llama_log_set([](ggml_log_level, const char *, void *) {}, nullptr);
}

LlamaReference::LlamaReference(const std::filesystem::path & file, const ReferenceOptions & options)
    : batch_(options.batch) {
    silence_llama();
    llama_model_params params = llama_model_default_params();
    // Repacked weights round otherwise than plain ones: compare with what the engine has.
    params.use_extra_bufts =
        !product::gemm_available(product::Element::F32) && !product::gemm_available(product::Element::I8);
    std::array<ggml_backend_dev_t, 1> no_devices{nullptr};  // the processor alone, whatever else is linked and there
    params.devices = no_devices.data();
    model_.reset(llama_model_load_from_file(file.c_str(), params));
    if (!model_) {
        throw std::runtime_error("libllama cannot load " + file.string());
    }
    llama_context_params settings = context_params(options);
    settings.cb_eval = see;
    settings.cb_eval_user_data = this;
    context_.reset(llama_init_from_model(model_.get(), settings));
    if (!context_) {
        throw std::runtime_error("libllama cannot make a context for " + file.string());
    }
}

std::size_t LlamaReference::vocabulary() const {
    return static_cast<std::size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model_.get())));
}

void LlamaReference::forget() {
    llama_memory_clear(llama_get_memory(context_.get()), true);
}

void LlamaReference::feed(std::span<const Token> tokens, std::size_t first, std::size_t first_output) {
    Batch batch(tokens.size());
    for (std::size_t index = 0; index < tokens.size(); ++index) {
        batch.add(tokens[index], first + index, first + index >= first_output);
    }
    if (llama_decode(context_.get(), batch.raw()) != 0) {
        throw std::runtime_error("libllama cannot decode");
    }
}

std::span<const float> LlamaReference::row(std::size_t index) const {
    return {llama_get_logits_ith(context_.get(), static_cast<std::int32_t>(index)), vocabulary()};
}

std::vector<float> LlamaReference::logits(std::span<const Token> tokens) {
    forget();
    std::vector<float> all;
    for (std::size_t first = 0; first < tokens.size(); first += batch_) {
        const std::size_t count = std::min<std::size_t>(batch_, tokens.size() - first);
        feed(tokens.subspan(first, count), first, 0);
        for (std::size_t index = 0; index < count; ++index) {
            const std::span<const float> values = row(index);
            all.insert(all.end(), values.begin(), values.end());
        }
    }
    return all;
}

bool LlamaReference::see(ggml_tensor * tensor, bool ask, void * self) {
    auto & reference = *static_cast<LlamaReference *>(self);
    const std::string name = tensor->name;
    constexpr std::array kSeen{"Qcur-", "Kcur-", "ffn_moe_logits-", "ffn_moe_probs_biased-"};
    const auto named = [&](const char * start) { return name.starts_with(start); };
    if (!reference.looking_ || std::none_of(kSeen.begin(), kSeen.end(), named)) {
        return !ask;  // not wanted; and on with the graph
    }
    if (!ask && ggml_is_contiguous(tensor)) {  // views of a whole product come before they are rotated
        std::vector<float> & values = reference.seen_[name];
        values.resize(static_cast<std::size_t>(ggml_nelements(tensor)));
        ggml_backend_tensor_get(tensor, values.data(), 0, ggml_nbytes(tensor));
    }
    return true;
}

LlamaReference::Looked LlamaReference::look(std::span<const Token> tokens) {
    looking_ = true;
    seen_.clear();
    std::vector<float> all = logits(tokens);
    looking_ = false;
    return {std::move(all), std::move(seen_)};
}

GreedyText LlamaReference::greedy(std::span<const Token> prompt, std::size_t count) {
    forget();
    std::size_t last = 0;
    for (std::size_t first = 0; first < prompt.size(); first += batch_) {
        const std::size_t rows = std::min<std::size_t>(batch_, prompt.size() - first);
        feed(prompt.subspan(first, rows), first, prompt.size() - 1);
        last = rows - 1;
    }
    GreedyText text;
    while (true) {
        std::vector<float> logits(row(last).begin(), row(last).end());
        const auto best = std::max_element(logits.begin(), logits.end());
        const auto token = static_cast<Token>(best - logits.begin());
        const float value = *best;
        *best = -INFINITY;
        text.leads.push_back(value - *std::max_element(logits.begin(), logits.end()));
        if (llama_vocab_is_eog(llama_model_get_vocab(model_.get()), token)) {
            return text;
        }
        text.tokens.push_back(token);
        if (text.tokens.size() == count) {
            return text;
        }
        feed({&token, 1}, prompt.size() + text.tokens.size() - 1, 0);
        last = 0;
    }
}

double LlamaReference::perplexity(std::string_view text) {
    const llama_vocab * vocab = llama_model_get_vocab(model_.get());
    std::vector<Token> tokens(text.size() + 2);
    const std::int32_t found = llama_tokenize(vocab, text.data(), static_cast<std::int32_t>(text.size()), tokens.data(),
                                              static_cast<std::int32_t>(tokens.size()), true, false);
    tokens.resize(static_cast<std::size_t>(std::max(found, 0)));
    const std::size_t size = llama_n_ctx(context_.get());
    const std::size_t half = size / 2;
    double sum = 0;
    std::size_t scored = 0;
    for (std::size_t begin = 0; begin + size <= tokens.size(); begin += size) {
        std::vector<Token> chunk(tokens.begin() + static_cast<std::ptrdiff_t>(begin),
                                 tokens.begin() + static_cast<std::ptrdiff_t>(begin + size));
        if (llama_vocab_get_add_bos(vocab)) {
            chunk.front() = llama_vocab_bos(vocab);
        }
        forget();
        feed(chunk, 0, half);
        for (std::size_t index = half; index + 1 < size; ++index) {
            sum += negative_log_likelihood(row(index), chunk[index + 1]);
            ++scored;
        }
    }
    return std::exp(sum / static_cast<double>(scored));
}

}  // namespace snapkv::test

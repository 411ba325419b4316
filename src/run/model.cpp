#include "snapkv/model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <new>
#include <utility>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "base/resident.h"
#include "base/stop.h"
#include "base/telling.h"
#include "run/layer_shape.h"
#include "run/model_impl.h"
#include "text/grammar.h"

namespace snapkv {

namespace {

/// The type of most weight bytes.
std::string dominant_type(const gguf::File & file) {
    std::map<ggml_type, std::uint64_t> bytes;
    for (const gguf::TensorInfo & tensor : file.tensors()) {
        bytes[tensor.type] += tensor.bytes;
    }
    ggml_type best = GGML_TYPE_F32;
    for (const auto & [type, count] : bytes) {
        best = count > bytes[best] ? type : best;
    }
    std::string name = ggml_type_name(best);
    for (char & c : name) {
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    return name;
}

/// A name from a file may hold anything; on a terminal it should do nothing but be read.
std::string printable(std::string name) {
    std::replace_if(
        name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
    return name;
}

std::uint64_t parameter_count(const gguf::File & file) {
    std::uint64_t count = 0;
    for (const gguf::TensorInfo & tensor : file.tensors()) {
        std::uint64_t elements = 1;
        for (const std::int64_t ne : tensor.ne) {
            elements *= static_cast<std::uint64_t>(ne);
        }
        count += elements;
    }
    return count;
}

/// Adds to `bytes` what the vocabulary takes.
text::Vocabulary checked_vocabulary(const gguf::File & file, const ModelOptions & options, std::uint64_t & bytes) {
    gguf::check_vocabulary(file);
    const std::uint64_t before = heap_memory();
    text::Vocabulary vocabulary = text::Vocabulary::load(file, {.warn = options.warn, .stop = Stop(options.stop)});
    const std::uint64_t after = heap_memory();
    bytes += after > before ? after - before : 0;
    return vocabulary;
}

void check_loading(const CallOptions & call) {
    if (Stop().with(call).requested()) {
        raise_interrupted("interrupted while loading the model");
    }
}

ModelInfo describe(const gguf::File & file, const model::HyperParameters & params, const model::Weights & weights,
                   const text::Vocabulary & vocabulary, const text::ChatTemplate & chat) {
    ModelInfo info;
    info.name = printable(file.find_string("general.name").value_or(file.path().stem().string()));
    info.architecture = params.architecture;
    info.quantisation = dominant_type(file);
    info.layers = params.layers;
    info.heads = params.heads;
    info.kv_heads = params.kv_heads;
    info.key_size = params.key_size;
    info.value_size = params.value_size;
    info.width = params.width;
    info.feed_forward = params.feed_forward;
    info.vocabulary = params.vocabulary;
    info.trained_context = params.trained_context;
    info.parameters = parameter_count(file);
    info.weight_bytes = weights.bytes();
    info.rope = params.rope.describe();
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        const bool recurs = params.layer_recurs(layer);
        info.attention.push_back({params.window_of(layer), params.layer_rotates(layer) && !recurs, recurs});
    }
    info.experts = params.experts.count;
    info.experts_used = params.experts.used;
    info.attending_layers = params.attending_layers();
    info.values_in_keys = params.latent.absorbed;
    info.state_bytes = run::state_bytes(params);
    info.chat_template = chat.source();
    info.text_begin = vocabulary.text_begin();
    info.text_end = vocabulary.text_end();
    return info;
}

}  // namespace

// The architecture and the vocabulary are checked before the weights: a refusal should not cost a repacking.
Model::Impl::Impl(gguf::File opened, const ModelOptions & options, const CallOptions & call)
    : file(std::move(opened)),
      params(model::read_hyper_parameters(file, options.rope)),
      weights(file),
      decoder(params, weights),
      vocabulary(checked_vocabulary(file, options, vocabulary_bytes)),
      chat(vocabulary, options.chat_template.empty() ? vocabulary.chat_template() : options.chat_template) {
    const Telling tell(call);
    std::uint64_t ready = 0;
    weights.finish(options.log, [&](std::uint64_t bytes) {
        ready += bytes;
        tell(ready, weights.bytes());
        check_loading(call);
    });
    info = describe(file, params, weights, vocabulary, chat);
    if (options.log) {
        options.log("rope: " + info.rope);
    }
}

const std::array<std::uint8_t, 32> & Model::Impl::identity() const {
    std::call_once(identified_, [this] { identity_ = gguf::identity(file); });
    return identity_;
}

bool Model::Impl::is_same_as(const Impl & other) const {
    return this == &other || (params.rope == other.params.rope && identity() == other.identity());
}

Model::Model(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Model Model::load(const std::filesystem::path & path, const ModelOptions & options, const CallOptions & call) try {
    check_loading(call);
    return Model(std::make_shared<const Impl>(gguf::File::open(path), options, call));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

const ModelInfo & Model::info() const {
    return impl_->info;
}

std::string Model::hash() const try {
    return fmt::format("{:02x}", fmt::join(impl_->identity(), ""));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

Prompt Model::chat_prompt(std::string_view document, std::string_view question, std::string_view between,
                          const PromptOptions & options, const CallOptions & call) const try {
    const text::Vocabulary vocabulary = impl_->vocabulary.obeying(call);
    return text::chat_prompt(vocabulary, impl_->chat.with(vocabulary), document, question, between, options);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

Prompt Model::chat_prompt(std::span<const ChatMessage> messages, const std::optional<ChatMarks> & marks,
                          const PromptOptions & options, const CallOptions & call) const try {
    const text::Vocabulary vocabulary = impl_->vocabulary.obeying(call);
    return text::chat_prompt(vocabulary, impl_->chat.with(vocabulary), messages, marks, options);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

Prompt Model::raw_prompt(std::string_view document, std::string_view question, const PromptOptions & options,
                         const CallOptions & call) const try {
    return text::raw_prompt(impl_->vocabulary.obeying(call), document, question, options);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

std::string Model::schema_grammar(const std::string & schema, const CallOptions & call) const try {
    return text::grammar_of_schema(impl_->vocabulary.obeying(call), schema);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

void Model::check_grammar(const std::string & grammar, const CallOptions & call) const try {
    static_cast<void>(text::make_grammar(impl_->vocabulary.obeying(call), grammar));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

std::vector<Token> Model::tokenize(std::string_view text, bool add_special, bool parse_special,
                                   const CallOptions & call) const try {
    return impl_->vocabulary.obeying(call).tokenize(text, add_special, parse_special);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

std::string Model::piece(Token token) const {
    if (token < 0 || token >= impl_->vocabulary.size()) {
        raise_input("token {} is not in the vocabulary of {}", token, impl_->vocabulary.size());
    }
    return impl_->vocabulary.piece(token);
}

}  // namespace snapkv

#include "synthetic/model_keys.h"

#include <fmt/core.h>

#include "ggml.h"

namespace snapkv::synthetic {

void set_model_keys(gguf_context * file, const Shape & shape, const std::string & name, std::uint32_t file_type) {
    const auto key = [&](std::string_view rest) { return fmt::format("{}.{}", shape.architecture->name, rest); };
    const auto number = [&](std::string_view rest, std::uint32_t value) {
        gguf_set_val_u32(file, key(rest).c_str(), value);
    };
    const auto real = [&](std::string_view rest, float value) { gguf_set_val_f32(file, key(rest).c_str(), value); };
    gguf_set_val_str(file, "general.architecture", std::string(shape.architecture->name).c_str());
    gguf_set_val_str(file, "general.name", name.c_str());
    gguf_set_val_u32(file, "general.file_type", file_type);
    gguf_set_val_u32(file, "general.quantization_version", GGML_QNT_VERSION);
    number("block_count", shape.layers);
    number("context_length", shape.context);
    number("embedding_length", shape.width);
    number("feed_forward_length", shape.feed_forward);
    number("attention.head_count", shape.heads);
    number("attention.head_count_kv", shape.kv_heads);
    if (shape.own_head_size != 0) {
        number("attention.key_length", shape.own_head_size);
        number("attention.value_length", shape.own_head_size);
    }
    real(shape.architecture->norm_epsilon, shape.norm_epsilon);
    number("rope.dimension_count", shape.head_size());
    real("rope.freq_base", shape.rope_base);
    number("vocab_size", shape.vocabulary);
    if (shape.experts != 0) {
        number("expert_count", shape.experts);
        number("expert_used_count", shape.experts_used);
    }
    for (const RealKey & each : shape.reals) {
        real(each.name, each.value);
    }
}

}  // namespace snapkv::synthetic

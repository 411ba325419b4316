#include "synthetic/model_keys.h"

#include "ggml.h"

namespace snapkv::synthetic {

void set_model_keys(gguf_context * file, const Shape & shape, const std::string & name, std::uint32_t file_type) {
    gguf_set_val_str(file, "general.architecture", "llama");
    gguf_set_val_str(file, "general.name", name.c_str());
    gguf_set_val_u32(file, "general.file_type", file_type);
    gguf_set_val_u32(file, "general.quantization_version", GGML_QNT_VERSION);
    gguf_set_val_u32(file, "llama.block_count", shape.layers);
    gguf_set_val_u32(file, "llama.context_length", shape.context);
    gguf_set_val_u32(file, "llama.embedding_length", shape.width);
    gguf_set_val_u32(file, "llama.feed_forward_length", shape.feed_forward);
    gguf_set_val_u32(file, "llama.attention.head_count", shape.heads);
    gguf_set_val_u32(file, "llama.attention.head_count_kv", shape.kv_heads);
    if (shape.own_head_size != 0) {
        gguf_set_val_u32(file, "llama.attention.key_length", shape.own_head_size);
        gguf_set_val_u32(file, "llama.attention.value_length", shape.own_head_size);
    }
    gguf_set_val_f32(file, "llama.attention.layer_norm_rms_epsilon", kNormEpsilon);
    gguf_set_val_u32(file, "llama.rope.dimension_count", shape.head_size());
    gguf_set_val_f32(file, "llama.rope.freq_base", shape.rope_base);
    gguf_set_val_u32(file, "llama.vocab_size", shape.vocabulary);
}

}  // namespace snapkv::synthetic

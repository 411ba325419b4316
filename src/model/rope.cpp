#include "model/rope.h"

#include <cmath>

#include "base/raise.h"
#include "gguf/in_quotes.h"

namespace snapkv::model {

namespace {

RopeOptions::Scaling scaling_of(const gguf::File & file, const std::string & key) {
    const std::string name = file.find_string(key).value_or("linear");
    if (name == "none") {
        return RopeOptions::Scaling::None;
    }
    // What is long in longrope lies in its tensors of factors.
    if (name == "linear" || name == "longrope") {
        return RopeOptions::Scaling::Linear;
    }
    if (name == "yarn") {
        return RopeOptions::Scaling::Yarn;
    }
    raise_input("{}: {} is {}; supported are none, linear, yarn and longrope", file.path().string(), key,
                gguf::in_quotes(name));
}

void check_positive(const gguf::File & file, const std::string & key, float value) {
    if (!std::isfinite(value) || value <= 0) {
        raise_input("{}: {} is {}, expected a positive number", file.path().string(), key, value);
    }
}

void check_options(const RopeOptions & options) {
    if (options.scale && (!std::isfinite(*options.scale) || *options.scale <= 0)) {
        raise_field("rope.scale", "rope.scale is {}, expected a positive number", *options.scale);
    }
    if (options.freq_base && (!std::isfinite(*options.freq_base) || *options.freq_base <= 0)) {
        raise_field("rope.freq_base", "rope.freq_base is {}, expected a positive number", *options.freq_base);
    }
    if (options.yarn_orig_ctx && *options.yarn_orig_ctx == 0) {
        raise_field("rope.yarn_orig_ctx", "rope.yarn_orig_ctx is 0, expected a number of tokens");
    }
}

/// An option that would change nothing is refused: whoever gives it expects something of it.
void check_effect(const RopeOptions & options, const Rope & rope, float factor, bool has_long_factors) {
    const bool yarn = rope.scaling == RopeOptions::Scaling::Yarn;
    if (options.scale && rope.scaling == RopeOptions::Scaling::None) {
        raise_field("rope.scale", "rope.scale {} has no effect without RoPE scaling: {}", *options.scale,
                    options.scaling ? "rope.scaling is none" : "the file has none (see rope.scaling)");
    }
    if (options.yarn_orig_ctx && !yarn && !has_long_factors) {
        raise_field("rope.yarn_orig_ctx", "rope.yarn_orig_ctx {} has no effect without YaRN: {}",
                    *options.yarn_orig_ctx,
                    options.scaling ? "rope.scaling is not yarn" : "the file does not use it (see rope.scaling)");
    }
    const bool scales = options.scaling && *options.scaling != RopeOptions::Scaling::None;
    if (scales && !options.scale && factor == 1.0F) {
        raise_field("rope.scaling", "rope.scaling {} has no effect: the file has no scaling factor (see rope.scale)",
                    yarn ? "yarn" : "linear");
    }
}

/// YaRN's attention temperature as libllama sets it: ggml multiplies by 1 + 0.1 ln(factor) once more, which is
/// divided out here.
float yarn_attention_factor(float freq_scale) {
    const float factor = 1.0F / freq_scale;
    const float wanted = factor <= 1.0F ? 1.0F : 0.1F * std::log(factor) + 1.0F;
    return wanted / (1.0F + 0.1F * std::log(factor));
}

}  // namespace

Rope read_rope(const gguf::File & file, const std::string & architecture, std::uint32_t head_size,
               std::uint32_t trained_context, const RopeOptions & options) {
    check_options(options);
    const std::string prefix = architecture + ".rope.";
    Rope rope;
    rope.scaling = options.scaling.value_or(scaling_of(file, prefix + "scaling.type"));
    rope.dimensions = file.find_u32(prefix + "dimension_count").value_or(head_size);
    if (rope.dimensions == 0 || rope.dimensions > head_size || rope.dimensions % 2 != 0) {
        raise_input("{}: {}dimension_count is {}, expected an even number from 2 to the head size {}",
                    file.path().string(), prefix, rope.dimensions, head_size);
    }
    const float file_base = file.find_f32(prefix + "freq_base").value_or(10000.0F);
    check_positive(file, prefix + "freq_base", file_base);
    rope.freq_base = options.freq_base.value_or(file_base);

    float factor = file.find_f32(prefix + "scaling.factor").value_or(0.0F);
    if (factor == 0.0F) {
        factor = file.find_f32(prefix + "scale_linear").value_or(1.0F);
    }
    check_positive(file, prefix + "scaling.factor", factor);
    rope.freq_scale = rope.scaling == RopeOptions::Scaling::None ? 1.0F : 1.0F / options.scale.value_or(factor);
    rope.original_context = options.yarn_orig_ctx.value_or(
        file.find_u32(prefix + "scaling.original_context_length").value_or(trained_context));
    if (rope.scaling == RopeOptions::Scaling::Yarn) {
        rope.extrapolation = 1;
        rope.attention_factor = yarn_attention_factor(rope.freq_scale);
    }
    const bool has_long_factors = file.find_tensor("rope_factors_long.weight") != nullptr;
    check_effect(options, rope, factor, has_long_factors);
    // As libllama.
    rope.long_factors = has_long_factors && options.context.value_or(trained_context) > rope.original_context;
    rope.attention_factor *= file.find_f32(prefix + "scaling.attn_factor").value_or(1.0F);
    return rope;
}

std::string Rope::describe() const {
    const char * names[] = {"none", "linear", "yarn"};
    std::string text =
        fmt::format("{}, base {}, scale {}", names[static_cast<int>(scaling)], freq_base, 1.0F / freq_scale);
    if (scaling == RopeOptions::Scaling::Yarn) {
        text += fmt::format(", original context {}", original_context);
    }
    return long_factors ? text + ", factors for long contexts" : text;
}

}  // namespace snapkv::model

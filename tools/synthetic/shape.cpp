#include "synthetic/shape.h"

#include <fmt/ranges.h>

#include <array>

#include "base/raise.h"

namespace snapkv::synthetic {
namespace {

constexpr std::array command_r_keys{RealKey{.name = "logit_scale", .value = 0.0625F}};

constexpr std::array shapes{
    Shape{.name = "tiny",
          .layers = 2,
          .width = 256,
          .heads = 4,
          .kv_heads = 2,
          .feed_forward = 512,
          .vocabulary = 320,
          .context = 4096,
          .rope_base = 10000},
    Shape{.name = "smollm2-135m",
          .layers = 30,
          .width = 576,
          .heads = 9,
          .kv_heads = 3,
          .feed_forward = 1536,
          .vocabulary = 49152,
          .context = 8192,
          .rope_base = 100000,
          .tied = true},
    Shape{.name = "llama-2-7b",
          .layers = 32,
          .width = 4096,
          .heads = 32,
          .kv_heads = 32,
          .feed_forward = 11008,
          .vocabulary = 32000,
          .context = 4096,
          .rope_base = 10000},
    Shape{.name = "mistral-7b",
          .layers = 32,
          .width = 4096,
          .heads = 32,
          .kv_heads = 8,
          .feed_forward = 14336,
          .vocabulary = 32000,
          .context = 32768,
          .rope_base = 1000000},
    Shape{.name = "llama-3-8b",
          .layers = 32,
          .width = 4096,
          .heads = 32,
          .kv_heads = 8,
          .feed_forward = 14336,
          .vocabulary = 128256,
          .context = 8192,
          .rope_base = 500000},
    Shape{.name = "mixtral-8x7b",
          .architecture = &kLlamaOfExperts,
          .layers = 32,
          .width = 4096,
          .heads = 32,
          .kv_heads = 8,
          .feed_forward = 14336,
          .vocabulary = 32000,
          .context = 32768,
          .rope_base = 1000000,
          .experts = 8,
          .experts_used = 2},
    Shape{.name = "command-r",
          .architecture = &kCommandR,
          .layers = 40,
          .width = 8192,
          .heads = 64,
          .kv_heads = 64,
          .feed_forward = 22528,
          .vocabulary = 256000,
          .context = 131072,
          .rope_base = 8000000,
          .tied = true,
          .reals = command_r_keys},
    Shape{.name = "qwen3-8b",
          .architecture = &kQwen3,
          .layers = 36,
          .width = 4096,
          .heads = 32,
          .kv_heads = 8,
          .feed_forward = 12288,
          .vocabulary = 151936,
          .context = 40960,
          .rope_base = 1000000,
          .norm_epsilon = 1e-6F,
          .own_head_size = 128},
};

}  // namespace

Shape find_shape(const RandomModelOptions & options) {
    for (Shape shape : shapes) {
        if (shape.name != options.shape) {
            continue;
        }
        shape.layers = options.layers.value_or(shape.layers);
        const std::uint32_t most = shape.architecture->most_layers;
        if (shape.layers < 1 || shape.layers > most) {
            raise_usage("--layers is {}, expected 1 to {} for --shape {}", shape.layers, most, shape.name);
        }
        return shape;
    }
    raise_usage("--shape: \"{}\" is not one of {}", options.shape, fmt::join(random_model_shapes(), ", "));
}

}  // namespace snapkv::synthetic

namespace snapkv {

const std::vector<std::string> & random_model_shapes() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> list;
        for (const synthetic::Shape & shape : synthetic::shapes) {
            list.emplace_back(shape.name);
        }
        return list;
    }();
    return names;
}

}  // namespace snapkv

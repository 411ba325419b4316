#include "synthetic/shape.h"

#include <fmt/ranges.h>

#include <array>
#include <cmath>

#include "base/raise.h"

namespace snapkv::synthetic {
namespace {

constexpr std::uint32_t most_layers = 1024;  // what the reader takes

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
};

float deviation_of(std::uint32_t row_length) {
    return 1.0F / std::sqrt(static_cast<float>(row_length));
}

void plan_layer(const Shape & shape, std::uint32_t layer, std::vector<TensorPlan> & plan) {
    const auto matrix = [&](std::string_view name, std::uint32_t columns, std::uint32_t rows) {
        plan.push_back({fmt::format("blk.{}.{}.weight", layer, name), columns, rows, deviation_of(columns)});
    };
    const auto norm = [&](std::string_view name) {
        plan.push_back({fmt::format("blk.{}.{}.weight", layer, name), shape.width});
    };
    const std::uint32_t kv_width = shape.kv_heads * shape.head_size();
    norm("attn_norm");
    matrix("attn_q", shape.width, shape.width);
    matrix("attn_k", shape.width, kv_width);
    matrix("attn_v", shape.width, kv_width);
    matrix("attn_output", shape.width, shape.width);
    norm("ffn_norm");
    matrix("ffn_gate", shape.width, shape.feed_forward);
    matrix("ffn_up", shape.width, shape.feed_forward);
    matrix("ffn_down", shape.feed_forward, shape.width);
}

}  // namespace

Shape find_shape(const RandomModelOptions & options) {
    for (Shape shape : shapes) {
        if (shape.name != options.shape) {
            continue;
        }
        shape.layers = options.layers.value_or(shape.layers);
        if (shape.layers < 1 || shape.layers > most_layers) {
            raise_usage("--layers is {}, expected 1 to {}", shape.layers, most_layers);
        }
        return shape;
    }
    raise_usage("--shape: \"{}\" is not one of {}", options.shape, fmt::join(random_model_shapes(), ", "));
}

std::vector<TensorPlan> plan_tensors(const Shape & shape) {
    std::vector<TensorPlan> plan;
    // Embeddings of deviation 1: the residual stream begins at the size of what a layer adds to it.
    plan.push_back({"token_embd.weight", shape.width, shape.vocabulary, shape.tied ? deviation_of(shape.width) : 1.0F});
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
        plan_layer(shape, layer, plan);
    }
    plan.push_back({"output_norm.weight", shape.width});
    if (!shape.tied) {
        plan.push_back({"output.weight", shape.width, shape.vocabulary, deviation_of(shape.width)});
    }
    return plan;
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

#include "synthetic/tensor_plan.h"

#include <fmt/core.h>

#include <cmath>

namespace snapkv::synthetic {
namespace {

float deviation_of(std::uint32_t row_length) {
    return 1.0F / std::sqrt(static_cast<float>(row_length));
}

std::uint32_t size_of(const Shape & shape, Size size) {
    switch (size) {
        case Size::One:
            return 1;
        case Size::Width:
            return shape.width;
        case Size::Queries:
            return shape.heads * shape.head_size();
        case Size::Keys:
            return shape.kv_heads * shape.head_size();
        case Size::Head:
            return shape.head_size();
        case Size::FeedForward:
            return shape.feed_forward;
        case Size::Experts:
            return shape.experts;
    }
    return 0;
}

TensorPlan norm(std::string name, std::uint32_t size) {
    return {.name = std::move(name), .columns = size, .float32 = true};
}

TensorPlan plan_tensor(const Shape & shape, std::uint32_t layer, const LayerTensor & tensor) {
    std::string name = fmt::format("blk.{}.{}.weight", layer, tensor.name);
    const std::uint32_t columns = size_of(shape, tensor.columns);
    if (tensor.rows == Size::One) {
        return norm(std::move(name), columns);
    }
    return {.name = std::move(name),
            .columns = columns,
            .rows = size_of(shape, tensor.rows),
            .matrices = size_of(shape, tensor.matrices),
            .deviation = deviation_of(columns),
            .float32 = tensor.float32};
}

}  // namespace

std::vector<TensorPlan> plan_tensors(const Shape & shape) {
    std::vector<TensorPlan> plan;
    const float deviation = deviation_of(shape.width);
    // Embeddings of deviation 1: the residual stream begins at the size of what a layer adds to it.
    plan.push_back({.name = "token_embd.weight",
                    .columns = shape.width,
                    .rows = shape.vocabulary,
                    .deviation = shape.tied ? deviation : 1.0F});
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
        for (const auto part : shape.architecture->layer) {
            for (const LayerTensor & tensor : part) {
                plan.push_back(plan_tensor(shape, layer, tensor));
            }
        }
    }
    plan.push_back(norm("output_norm.weight", shape.width));
    if (!shape.tied) {
        plan.push_back(
            {.name = "output.weight", .columns = shape.width, .rows = shape.vocabulary, .deviation = deviation});
    }
    return plan;
}

}  // namespace snapkv::synthetic

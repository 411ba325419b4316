#include "support/naive_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace snapkv::test {
namespace {

constexpr double kEpsilon = 1e-5;

std::string layer_name(std::uint32_t layer, const char * name) {
    return "blk." + std::to_string(layer) + "." + name;
}

}  // namespace

NaiveModel::NaiveModel(const TinyModel & model) : model_(&model), layers_(model.shape.layers) {
    for (Layer & layer : layers_) {
        layer.masked.resize(model.shape.kv_heads);
    }
}

NaiveModel::Row NaiveModel::normalised(const Row & x, const std::string & name) const {
    const double squares = std::inner_product(x.begin(), x.end(), x.begin(), 0.0);
    const double factor = 1 / std::sqrt(squares / static_cast<double>(x.size()) + kEpsilon);
    const std::vector<float> & weights = model_->tensor(name).values;
    Row y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
        y[i] = x[i] * factor * double{weights[i]};
    }
    return y;
}

NaiveModel::Row NaiveModel::product(const Row & x, const std::string & name) const {
    const TinyTensor & matrix = model_->tensor(name);
    Row input = x;
    if (matrix.type == GGML_TYPE_F16) {
        for (double & value : input) {
            value = double{ggml_fp16_to_fp32(ggml_fp32_to_fp16(static_cast<float>(value)))};
        }
    }
    Row y(static_cast<std::size_t>(matrix.shape[1]));
    const float * weights = matrix.values.data();
    for (double & sum : y) {
        sum = std::inner_product(input.begin(), input.end(), weights, 0.0);
        weights += input.size();
    }
    return y;
}

NaiveModel::Row NaiveModel::linear(const Row & x, const std::string & name) const {
    Row y = product(x, name + ".weight");
    if (model_->shape.biases) {
        const std::vector<float> & bias = model_->tensor(name + ".bias").values;
        std::transform(y.begin(), y.end(), bias.begin(), y.begin(), std::plus<>());
    }
    return y;
}

void NaiveModel::rotate(Row & x, std::uint32_t position) const {
    const TinyShape & shape = model_->shape;
    const std::uint32_t size = shape.key_size;
    const bool scaled = shape.rope_scaling == "linear";
    for (std::size_t begin = 0; begin < x.size(); begin += size) {
        for (std::uint32_t pair = 0; pair < size / 2; ++pair) {
            double angle = position * std::pow(double{shape.rope_base}, -2.0 * pair / size);
            angle /= scaled ? double{shape.rope_factor} : 1.0;
            angle /= shape.rope_factors ? double{model_->tensor("rope_freqs.weight").values[pair]} : 1.0;
            double & a = x[begin + 2 * pair];
            double & b = x[begin + 2 * pair + 1];
            const double turned = a * std::cos(angle) - b * std::sin(angle);
            b = a * std::sin(angle) + b * std::cos(angle);
            a = turned;
        }
    }
}

NaiveModel::Row NaiveModel::attend(const Layer & layer, std::uint32_t position) const {
    const TinyShape & shape = model_->shape;
    const std::uint32_t group = shape.heads / shape.kv_heads;
    const double scale = 1 / std::sqrt(static_cast<double>(shape.key_size));
    Row result(std::size_t{shape.heads} * shape.value_size);
    for (std::uint32_t head = 0; head < shape.heads; ++head) {
        const std::uint32_t kv_head = head / group;
        const double * q = layer.queries[position].data() + std::size_t{head} * shape.key_size;
        std::vector<std::pair<double, std::uint32_t>> seen;
        double maximum = -std::numeric_limits<double>::infinity();
        for (std::uint32_t at = 0; at <= position; ++at) {
            if (!layer.masked[kv_head][at]) {
                const double * k = layer.keys[at].data() + std::size_t{kv_head} * shape.key_size;
                seen.emplace_back(scale * std::inner_product(q, q + shape.key_size, k, 0.0), at);
                maximum = std::max(maximum, seen.back().first);
            }
        }
        double * out = result.data() + std::size_t{head} * shape.value_size;
        double sum = 0;
        for (const auto & [logit, at] : seen) {
            const double weight = std::exp(logit - maximum);
            const double * v = layer.values[at].data() + std::size_t{kv_head} * shape.value_size;
            sum += weight;
            for (std::uint32_t i = 0; i < shape.value_size; ++i) {
                out[i] += weight * v[i];
            }
        }
        std::for_each(out, out + shape.value_size, [&](double & value) { value /= sum; });
    }
    return result;
}

void NaiveModel::feed_layer(std::uint32_t index, std::uint32_t position) {
    const auto name = [&](const char * part) { return layer_name(index, part); };
    Layer & layer = layers_[index];
    Row & x = hidden_[position];
    const Row input = normalised(x, name("attn_norm.weight"));
    layer.queries.push_back(linear(input, name("attn_q")));
    layer.keys.push_back(linear(input, name("attn_k")));
    layer.values.push_back(linear(input, name("attn_v")));
    rotate(layer.queries.back(), position);
    rotate(layer.keys.back(), position);
    for (auto & masked : layer.masked) {
        masked.push_back(false);
    }
    const Row attended = linear(attend(layer, position), name("attn_output"));
    std::transform(x.begin(), x.end(), attended.begin(), x.begin(), std::plus<>());
    const Row middle = normalised(x, name("ffn_norm.weight"));
    Row gated = linear(middle, name("ffn_gate"));
    const Row up = linear(middle, name("ffn_up"));
    for (std::size_t i = 0; i < gated.size(); ++i) {
        gated[i] = gated[i] / (1 + std::exp(-gated[i])) * up[i];
    }
    const Row down = linear(gated, name("ffn_down"));
    std::transform(x.begin(), x.end(), down.begin(), x.begin(), std::plus<>());
}

void NaiveModel::feed(std::span<const Token> tokens) {
    const std::vector<float> & embeddings = model_->tensor("token_embd.weight").values;
    const std::size_t width = model_->shape.width;
    for (const Token token : tokens) {
        const float * row = embeddings.data() + static_cast<std::size_t>(token) * width;
        hidden_.emplace_back(row, row + width);
        for (std::uint32_t layer = 0; layer < layers_.size(); ++layer) {
            feed_layer(layer, positions() - 1);
        }
    }
}

void NaiveModel::keep(const KeptPositions & kept) {
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
        for (std::size_t head = 0; head < kept[layer].size(); ++head) {
            std::vector<bool> & masked = layers_[layer].masked[head];
            std::fill(masked.begin(), masked.end(), true);
            for (const Position position : kept[layer][head]) {
                masked[index_of(position)] = false;
            }
        }
    }
}

std::vector<double> NaiveModel::logits(std::uint32_t position) const {
    return product(normalised(hidden_[position], "output_norm.weight"),
                   model_->shape.tied ? "token_embd.weight" : "output.weight");
}

std::span<const double> NaiveModel::query(std::uint32_t layer, std::uint32_t head, std::uint32_t position) const {
    const std::size_t size = model_->shape.key_size;
    return std::span(layers_[layer].queries[position]).subspan(head * size, size);
}

std::span<const double> NaiveModel::key(std::uint32_t layer, std::uint32_t head, std::uint32_t position) const {
    const std::size_t size = model_->shape.key_size;
    return std::span(layers_[layer].keys[position]).subspan(head * size, size);
}

std::span<const double> NaiveModel::value(std::uint32_t layer, std::uint32_t head, std::uint32_t position) const {
    const std::size_t size = model_->shape.value_size;
    return std::span(layers_[layer].values[position]).subspan(head * size, size);
}

double nmse(std::span<const float> found, std::span<const double> expected) {
    double error = 0;
    double total = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const double difference = double{found[i]} - expected[i];
        error += difference * difference;
        total += expected[i] * expected[i];
    }
    const double result = total > 0 ? error / total : error;
    return std::isfinite(result) && found.size() == expected.size() ? result : std::numeric_limits<double>::infinity();
}

double nmse(std::span<const float> found, std::span<const float> expected) {
    return nmse(found, std::vector<double>(expected.begin(), expected.end()));
}

}  // namespace snapkv::test

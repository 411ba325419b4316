#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <numeric>
#include <vector>

#include "ggml-alloc.h"
#include "ggml-cpu.h"
#include "model/weights.h"
#include "product/products.h"
#include "support/random.h"

namespace snapkv::test {

/// A matrix of random weights in plain memory, and what its rows mean in float32.
struct Matrix {
    product::Linear linear;
    std::vector<float> rows;  ///< [out][in], as stored
    std::vector<float> bias;  ///< empty: none
};

/// Random matrices, norms and hidden states in one context, and naive products in double precision.
class Layer {
public:
    explicit Layer(std::uint32_t seed) : random_(seed) {
        ctx_.reset(ggml_init({std::size_t{64} * ggml_tensor_overhead(), nullptr, true}));
    }

    Matrix & add(ggml_type type, std::int64_t in, std::int64_t out, bool bias = false) {
        Matrix & matrix = matrices_.emplace_back();
        matrix.linear.weight = ggml_new_tensor_2d(ctx_.get(), type, in, out);
        if (bias) {
            matrix.linear.bias = ggml_new_tensor_1d(ctx_.get(), GGML_TYPE_F32, out);
        }
        return matrix;
    }
    product::Norm norm(std::int64_t width, product::Norm::Kind kind = product::Norm::Kind::Rms) {
        norm_.kind = kind;
        norm_.weight = ggml_new_tensor_1d(ctx_.get(), GGML_TYPE_F32, width);
        norm_.epsilon = 1e-5F;
        return norm_;
    }

    /// Gives everything memory and random contents.
    void fill() {
        buffer_.reset(ggml_backend_alloc_ctx_tensors_from_buft(ctx_.get(), ggml_backend_cpu_buffer_type()));
        for (Matrix & matrix : matrices_) {
            fill(matrix);
        }
        if (norm_.weight != nullptr) {
            norm_values = random_.numbers(static_cast<std::size_t>(norm_.weight->ne[0]), 1, 0.2F);
            ggml_backend_tensor_set(norm_.weight, norm_values.data(), 0, ggml_nbytes(norm_.weight));
        }
    }

    std::vector<float> numbers(std::size_t count) { return random_.numbers(count, 0, 1); }

    /// norm(x), row by row, in double precision.
    [[nodiscard]] std::vector<double> normalised(const std::vector<float> & x) const {
        const std::size_t width = norm_values.size();
        std::vector<double> result(x.size());
        for (std::size_t row = 0; row < x.size() / width; ++row) {
            const float * values = x.data() + row * width;
            const double mean = std::accumulate(values, values + width, 0.0) / static_cast<double>(width);
            const double centre = norm_.kind == product::Norm::Kind::Layer ? mean : 0;
            double squares = 0;
            for (std::size_t i = 0; i < width; ++i) {
                squares += (values[i] - centre) * (values[i] - centre);
            }
            const double factor = 1 / std::sqrt(squares / static_cast<double>(width) + norm_.epsilon);
            for (std::size_t i = 0; i < width; ++i) {
                result[row * width + i] = (values[i] - centre) * factor * norm_values[i];
            }
        }
        return result;
    }

    std::vector<float> norm_values;

private:
    void fill(Matrix & matrix) {
        ggml_tensor * weight = matrix.linear.weight;
        const auto count = static_cast<std::size_t>(ggml_nelements(weight));
        std::vector<float> values = random_.numbers(count, 0, 1.0F / std::sqrt(static_cast<float>(weight->ne[0])));
        std::vector<std::byte> stored(ggml_nbytes(weight));
        ggml_quantize_chunk(weight->type, values.data(), stored.data(), 0, weight->ne[1], weight->ne[0], nullptr);
        ggml_backend_tensor_set(weight, stored.data(), 0, stored.size());
        matrix.rows = values;
        if (weight->type != GGML_TYPE_F32) {
            ggml_get_type_traits(weight->type)
                ->to_float(stored.data(), matrix.rows.data(), static_cast<std::int64_t>(count));
        }
        if (matrix.linear.bias != nullptr) {
            matrix.bias = numbers(static_cast<std::size_t>(weight->ne[1]));
            ggml_backend_tensor_set(matrix.linear.bias, matrix.bias.data(), 0, ggml_nbytes(matrix.linear.bias));
        }
    }

    Random random_;
    model::ContextPtr ctx_;
    model::BufferPtr buffer_;
    std::deque<Matrix> matrices_;
    product::Norm norm_;
};

/// x [rows][in] times the matrix, and its bias.
inline std::vector<double> multiply(const Matrix & matrix, const std::vector<double> & x) {
    const auto in = static_cast<std::size_t>(matrix.linear.in());
    const auto out = static_cast<std::size_t>(matrix.linear.out());
    std::vector<double> result(x.size() / in * out);
    for (std::size_t i = 0; i < result.size(); ++i) {
        const std::size_t row = i / out;
        double sum = matrix.bias.empty() ? 0 : matrix.bias[i % out];
        for (std::size_t k = 0; k < in; ++k) {
            sum += x[row * in + k] * matrix.rows[i % out * in + k];
        }
        result[i] = sum;
    }
    return result;
}

inline std::vector<double> gated(product::Activation activation, const std::vector<double> & gate,
                                 const std::vector<double> & up) {
    const auto activated = [&](double x) {
        return activation == product::Activation::Silu
                   ? x / (1 + std::exp(-x))
                   : x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    };
    std::vector<double> result(gate.size());
    std::transform(gate.begin(), gate.end(), up.begin(), result.begin(),
                   [&](double g, double u) { return activated(g) * u; });
    return result;
}

/// Mean squared error over mean square.
inline double error_share(const std::vector<float> & got, const std::vector<double> & expected) {
    double error = 0;
    double norm = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        error += (got[i] - expected[i]) * (got[i] - expected[i]);
        norm += expected[i] * expected[i];
    }
    return got.size() == expected.size() ? error / norm : 1.0;
}

/// Builds a graph over hidden states x [rows][width], runs it on `threads` threads and returns the results.
inline std::vector<std::vector<float>> run_graph(
    const std::vector<float> & x, std::int64_t width, int threads,
    const std::function<std::vector<ggml_tensor *>(ggml_context *, ggml_tensor *)> & build) {
    const model::ContextPtr ctx(
        ggml_init({std::size_t{64} * ggml_tensor_overhead() + ggml_graph_overhead(), nullptr, true}));
    ggml_tensor * hidden =
        ggml_new_tensor_2d(ctx.get(), GGML_TYPE_F32, width, static_cast<std::int64_t>(x.size()) / width);
    ggml_set_input(hidden);
    ggml_cgraph * graph = ggml_new_graph(ctx.get());
    const std::vector<ggml_tensor *> results = build(ctx.get(), hidden);
    for (ggml_tensor * result : results) {
        ggml_set_output(result);
        ggml_build_forward_expand(graph, result);
    }
    const std::unique_ptr<ggml_gallocr, decltype(&ggml_gallocr_free)> allocator(
        ggml_gallocr_new(ggml_backend_cpu_buffer_type()), ggml_gallocr_free);
    ggml_gallocr_alloc_graph(allocator.get(), graph);
    std::copy(x.begin(), x.end(), static_cast<float *>(hidden->data));
    const std::unique_ptr<ggml_backend, decltype(&ggml_backend_free)> backend(ggml_backend_cpu_init(),
                                                                              ggml_backend_free);
    ggml_backend_cpu_set_n_threads(backend.get(), threads);
    ggml_backend_graph_compute(backend.get(), graph);
    std::vector<std::vector<float>> values;
    for (const ggml_tensor * result : results) {
        const auto * data = static_cast<const float *>(result->data);
        values.emplace_back(data, data + ggml_nelements(result));
    }
    return values;
}

}  // namespace snapkv::test

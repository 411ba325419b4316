#include "product/step_products.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "ggml-backend.h"
#include "product/elementwise.h"

namespace snapkv::product {

namespace {

float * floats(const ggml_tensor * tensor) {
    return static_cast<float *>(tensor->data);
}

float * row_of(const ggml_tensor * tensor, std::int64_t row) {
    return floats(tensor) + row * tensor->ne[0];
}

bool plain(const ggml_tensor * weight) {
    return ggml_is_contiguous(weight) && weight->buffer != nullptr && ggml_backend_buffer_is_host(weight->buffer);
}

}  // namespace

std::uint32_t StepProducts::most_rows() {
    const bool own = row_dot(GGML_TYPE_Q4_0) != row_dot(GGML_TYPE_Q4_0, true);
    return own ? 47 : 8;
}

std::uint64_t StepProducts::scratch_bytes() const {
    std::uint64_t bytes = 0;
    for (const Scratch & scratch : scratch_) {
        bytes += (scratch.normalised.size() + scratch.first.size() + scratch.second.size()) * sizeof(float) +
                 (scratch.prepared.size() + scratch.prepared_up.size()) * sizeof(CacheLine);
    }
    return bytes;
}

std::size_t StepProducts::prepared_lines(const Part & part) {
    return (part.dot->prepared_bytes(part.linear.in()) + sizeof(CacheLine) - 1) / sizeof(CacheLine);
}

bool StepProducts::serves(std::span<const Linear> linears) const {
    return std::all_of(linears.begin(), linears.end(), [&](const Linear & linear) {
        return plain(linear.weight) && row_dot(linear.weight->type, portable_) != nullptr;
    });
}

StepProducts::Step & StepProducts::add_step(const Norm & norm, std::span<const Linear> linears, std::int64_t rows) {
    Step & step = steps_.emplace_back();
    step.products = this;
    step.norm = norm;
    const auto count = static_cast<std::size_t>(rows);
    for (const Linear & linear : linears) {
        const Part & part = step.parts.emplace_back(Part{linear, row_dot(linear.weight->type, portable_)});
        const std::size_t prepared = count * prepared_lines(part);
        for (Scratch & scratch : scratch_) {
            scratch.normalised.resize(std::max(scratch.normalised.size(), static_cast<std::size_t>(linear.in())));
            scratch.prepared.resize(std::max(scratch.prepared.size(), prepared));
            scratch.prepared_up.resize(std::max(scratch.prepared_up.size(), prepared));
            scratch.first.resize(std::max(scratch.first.size(), count * kBlock));
            scratch.second.resize(std::max(scratch.second.size(), count * kBlock));
        }
    }
    return step;
}

StepProducts::Share StepProducts::share_of(std::int64_t rows, int thread, int threads) {
    // Cut at cache lines of results: threads do not write to one line, and vectors begin where they would for any
    // number.
    constexpr std::int64_t kLine = 16;
    const std::int64_t lines = (rows + kLine - 1) / kLine;
    const auto cut = [&](int index) {
        return static_cast<std::uint32_t>(std::min(rows, lines * index / threads * kLine));
    };
    return {cut(thread), cut(thread + 1)};
}

/// body(block) for the share's rows of weights, as many at a time as there is memory for results.
template <typename Body>
void StepProducts::for_blocks(const Share & share, const Body & body) {
    for (std::uint32_t begin = share.begin; begin < share.end; begin += kBlock) {
        body(Share{begin, std::min(begin + kBlock, share.end)});
    }
}

/// out[j * out_stride + i] = row share.begin + i of the weights times input j, and the bias.
void StepProducts::multiply_share(const Part & part, const Share & share, const PreparedInputs & inputs, float * out,
                                  std::size_t out_stride) {
    const ggml_tensor * weight = part.linear.weight;
    const std::uint32_t count = share.end - share.begin;
    part.dot->dot({.type = weight->type,
                   .weights = static_cast<const std::byte *>(weight->data) + share.begin * weight->nb[1],
                   .row_bytes = weight->nb[1],
                   .rows = count,
                   .depth = weight->ne[0]},
                  inputs, out, out_stride);
    if (part.linear.bias != nullptr) {
        const float * bias = floats(part.linear.bias) + share.begin;
        for (std::uint32_t input = 0; input < inputs.count; ++input) {
            float * of_input = out + input * out_stride;
            std::transform(of_input, of_input + count, bias, of_input, [](float a, float b) { return a + b; });
        }
    }
}

const float * StepProducts::input_row(const Step & step, const ggml_tensor * input, std::int64_t row,
                                      Scratch & scratch) {
    const float * values = row_of(input, row);
    if (step.norm.weight == nullptr) {
        return values;
    }
    norm_row(step.norm.kind, {values, static_cast<std::size_t>(input->ne[0])}, floats(step.norm.weight),
             step.norm.epsilon, Element::F32, scratch.normalised.data());
    return scratch.normalised.data();
}

/// All rows of the input, in the form that the part's weights are multiplied with.
PreparedInputs StepProducts::prepare(const Step & step, const Part & part, const ggml_tensor * input, Scratch & scratch,
                                     std::vector<CacheLine> & prepared) {
    const std::size_t lines = prepared_lines(part);
    for (std::int64_t row = 0; row < input->ne[1]; ++row) {
        part.dot->prepare(part.linear.weight->type, input_row(step, input, row, scratch), part.linear.in(),
                          prepared[static_cast<std::size_t>(row) * lines].bytes.data());
    }
    return {prepared.front().bytes.data(), lines * sizeof(CacheLine), static_cast<std::uint32_t>(input->ne[1])};
}

std::vector<ggml_tensor *> StepProducts::project(ggml_context * ctx, const Norm & norm, std::span<const Linear> linears,
                                                 ggml_tensor * hidden) {
    if (!serves(linears)) {
        return ggml_.project(ctx, norm, linears, hidden);
    }
    Step & step = add_step(norm, linears, hidden->ne[1]);
    std::int64_t columns = 0;
    for (const Linear & linear : linears) {
        columns += linear.out();
    }
    const std::int64_t rows = hidden->ne[1];
    std::array<ggml_tensor *, 1> sources{hidden};
    const auto run = [](ggml_tensor * node, int thread, int threads, void * data) noexcept {
        const auto & at = *static_cast<const Step *>(data);
        at.products->run_project(at, node, thread, threads);
    };
    ggml_tensor * node =
        ggml_custom_4d(ctx, GGML_TYPE_F32, columns, rows, 1, 1, sources.data(), 1, run, GGML_N_TASKS_MAX, &step);
    std::vector<ggml_tensor *> results;
    std::size_t first = 0;
    for (const Linear & linear : linears) {
        const std::size_t row_bytes = static_cast<std::size_t>(linear.out()) * sizeof(float);
        results.push_back(ggml_view_2d(ctx, node, linear.out(), rows, row_bytes, first));
        first += row_bytes * static_cast<std::size_t>(rows);
    }
    return results;
}

void StepProducts::run_project(const Step & step, ggml_tensor * node, int thread, int threads) {
    Scratch & scratch = scratch_[static_cast<std::size_t>(thread)];
    const ggml_tensor * hidden = node->src[0];
    const Part * prepared = nullptr;
    PreparedInputs inputs;
    float * out = floats(node);
    for (const Part & part : step.parts) {
        const std::int64_t columns = part.linear.out();
        // Matrices of one type share the prepared inputs.
        if (prepared == nullptr || part.dot != prepared->dot ||
            part.linear.weight->type != prepared->linear.weight->type) {
            inputs = prepare(step, part, hidden, scratch, scratch.prepared);
            prepared = &part;
        }
        const Share share = share_of(columns, thread, threads);
        multiply_share(part, share, inputs, out + share.begin, static_cast<std::size_t>(columns));
        out += columns * hidden->ne[1];
    }
}

ggml_tensor * StepProducts::gate_up(ggml_context * ctx, const Norm & norm, const Linear & gate, const Linear & up,
                                    Activation activation, ggml_tensor * hidden) {
    const std::array<Linear, 2> both{gate, up};
    if (!serves(both)) {
        return ggml_.gate_up(ctx, norm, gate, up, activation, hidden);
    }
    Step & step = add_step(norm, both, hidden->ne[1]);
    step.activation = activation;
    std::array<ggml_tensor *, 1> sources{hidden};
    const auto run = [](ggml_tensor * node, int thread, int threads, void * data) noexcept {
        const auto & at = *static_cast<const Step *>(data);
        at.products->run_gate_up(at, node, thread, threads);
    };
    return ggml_custom_4d(ctx, GGML_TYPE_F32, gate.out(), hidden->ne[1], 1, 1, sources.data(), 1, run, GGML_N_TASKS_MAX,
                          &step);
}

void StepProducts::run_gate_up(const Step & step, ggml_tensor * node, int thread, int threads) {
    Scratch & scratch = scratch_[static_cast<std::size_t>(thread)];
    const Part & gate = step.parts[0];
    const Part & up = step.parts[1];
    const PreparedInputs of_gate = prepare(step, gate, node->src[0], scratch, scratch.prepared);
    const PreparedInputs of_up = up.linear.weight->type == gate.linear.weight->type
                                     ? of_gate
                                     : prepare(step, up, node->src[0], scratch, scratch.prepared_up);
    for_blocks(share_of(node->ne[0], thread, threads), [&](const Share & block) {
        const std::size_t count = block.end - block.begin;
        multiply_share(gate, block, of_gate, scratch.first.data(), count);
        multiply_share(up, block, of_up, scratch.second.data(), count);
        for (std::size_t row = 0; row < of_gate.count; ++row) {
            gate_row(step.activation, {scratch.first.data() + row * count, count}, scratch.second.data() + row * count,
                     Element::F32, row_of(node, static_cast<std::int64_t>(row)) + block.begin);
        }
    });
}

ggml_tensor * StepProducts::multiply(ggml_context * ctx, const Linear & linear, ggml_tensor * input) {
    return project(ctx, {}, {&linear, 1}, input).front();
}

ggml_tensor * StepProducts::add_product(ggml_context * ctx, const Linear & linear, ggml_tensor * input,
                                        ggml_tensor * hidden) {
    if (!serves({&linear, 1})) {
        return ggml_.add_product(ctx, linear, input, hidden);
    }
    assert(ggml_is_contiguous(input) && ggml_is_contiguous(hidden));
    Step & step = add_step({}, {&linear, 1}, hidden->ne[1]);
    std::array<ggml_tensor *, 1> sources{input};
    const auto run = [](ggml_tensor * node, int thread, int threads, void * data) noexcept {
        const auto & at = *static_cast<const Step *>(data);
        at.products->run_add(at, node, thread, threads);
    };
    return ggml_custom_inplace(ctx, hidden, sources.data(), 1, run, GGML_N_TASKS_MAX, &step);
}

void StepProducts::run_add(const Step & step, ggml_tensor * node, int thread, int threads) {
    Scratch & scratch = scratch_[static_cast<std::size_t>(thread)];
    const Part & part = step.parts.front();
    const PreparedInputs inputs = prepare(step, part, node->src[1], scratch, scratch.prepared);
    for_blocks(share_of(node->ne[0], thread, threads), [&](const Share & block) {
        const std::size_t count = block.end - block.begin;
        multiply_share(part, block, inputs, scratch.first.data(), count);
        for (std::size_t row = 0; row < inputs.count; ++row) {
            float * out = row_of(node, static_cast<std::int64_t>(row)) + block.begin;
            std::transform(out, out + count, scratch.first.data() + row * count, out,
                           [](float a, float b) { return a + b; });
        }
    });
}

}  // namespace snapkv::product

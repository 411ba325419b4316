#include "product/widened_products.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "product/elementwise.h"
#include "product/ggml_products.h"

namespace snapkv::product {

namespace {

/// Rows of a product: enough that the weights, streamed once a block, cost little.
constexpr std::uint32_t kBlockRows = 128;
/// No block's two products of gate and up take more.
constexpr std::size_t kProductBytes = std::size_t{8} << 20U;
constexpr std::uint32_t kRowStep = 16;

constexpr std::size_t kAlignment = 64;
std::size_t aligned(std::size_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::uint32_t up_to(std::uint32_t value, std::uint32_t step) {
    return (value + step - 1) / step * step;
}

float * floats(const ggml_tensor * tensor) {
    return static_cast<float *>(tensor->data);
}

std::uint32_t narrow_size(std::int64_t size) {
    return static_cast<std::uint32_t>(size);
}

/// What ggml takes a row of elements for.
ggml_type tensor_type(Element element) {
    switch (element) {
        case Element::F32:
            return GGML_TYPE_F32;
        case Element::BF16:
            return GGML_TYPE_BF16;
        default:
            return GGML_TYPE_I8;  // bytes
    }
}

/// Equal blocks, as many as give every thread the same number; blocks that do not know of threads where results would
/// depend on their size.
std::uint32_t block_rows(Element element, std::uint32_t rows, std::uint32_t threads, std::uint32_t most) {
    if (!gemm_rows_are_independent(element)) {
        return std::min(most, kBlockRows / 2);
    }
    const std::uint32_t blocks = threads * ((rows + threads * most - 1) / (threads * most));
    return std::min(most, up_to((rows + blocks - 1) / blocks, kRowStep));
}

ggml_tensor * view_rows(ggml_context * ctx, ggml_tensor * node, std::int64_t columns, std::int64_t rows,
                        std::size_t first_float) {
    return ggml_view_2d(ctx, node, columns, rows, static_cast<std::size_t>(columns) * sizeof(float),
                        first_float * sizeof(float));
}

}  // namespace

WidenedProducts::WidenedProducts(Element element, std::uint32_t threads, Halt & halt, std::shared_ptr<Meter> work)
    : element_(element), threads_(threads), halt_(halt), work_(std::move(work)) {}

template <typename Work>
void WidenedProducts::guarded(const Work & work) noexcept {
    try {
        work();
    } catch (...) {
        halt_.fail();
    }
}

bool WidenedProducts::widens(const Linear & linear) {
    const ggml_tensor * weight = linear.weight;
    return ggml_is_contiguous(weight) && weight->buffer != nullptr && ggml_backend_buffer_is_host(weight->buffer) &&
           (weight->type == GGML_TYPE_F32 || ggml_get_type_traits(weight->type)->to_float != nullptr);
}

Element WidenedProducts::float_element(std::span<const Linear> linears) {
    const bool any_float = std::any_of(linears.begin(), linears.end(),
                                       [](const Linear & linear) { return linear.weight->type == GGML_TYPE_F32; });
    return gemm_available(Element::BF16) && !any_float ? Element::BF16 : Element::F32;
}

bool WidenedProducts::takes_int8(std::span<const Linear> linears) {
    return gemm_available(Element::I8) && std::all_of(linears.begin(), linears.end(), [](const Linear & linear) {
               return ggml_is_quantized(linear.weight->type) && linear.in() % Int8Block::kSize == 0;
           });
}

const PackedLayout & WidenedProducts::layout(std::uint32_t columns, std::uint32_t depth, ggml_type stored) {
    return layouts_.try_emplace({columns, depth, stored}, element_, columns, depth, stored).first->second;
}

const Gemm & WidenedProducts::gemm(Gemm::Mode mode, bool bias, std::uint32_t rows, const PackedLayout & layout) {
    const auto key = std::tuple(mode, bias, rows, layout.columns(), layout.depth(), layout.stored());
    const auto found = gemms_.find(key);
    return found != gemms_.end() ? found->second
                                 : gemms_.emplace(key, Gemm(element_, mode, bias, rows, layout)).first->second;
}

void WidenedProducts::begin_layer(std::span<const Linear> linears) {
    matrices_.clear();
    panels_.clear();
    next_panel_ = 0;
    std::size_t bytes = 0;
    for (const Linear & linear : linears) {
        assert(widens(linear));
        const std::uint32_t columns = narrow_size(linear.out());
        Matrix matrix{&layout(columns, narrow_size(linear.in()), linear.weight->type), bytes};
        bytes = aligned(bytes + matrix.layout->bytes());
        matrices_[linear.weight] = matrix;
        if (!matrix.layout->pack_stored({}, 0, 0, nullptr)) {
            floats_bytes_ = std::max(floats_bytes_, floats_bytes(*matrix.layout));
        }
        for (std::uint32_t first = 0; first < columns; first += PackedLayout::kPanel) {
            panels_.push_back({linear.weight, matrix, first, std::min(PackedLayout::kPanel, columns - first)});
        }
        input_bytes_ =
            std::max(input_bytes_, aligned(kBlockRows * bytes_of(element_, static_cast<std::size_t>(linear.in()))));
    }
    if (copy_.size() < bytes) {
        copy_ = Block();
        copy_ = Block(bytes, work_);
    }
    reserve_scratch();
}

void WidenedProducts::reserve_scratch() {
    const std::size_t stride = aligned(input_bytes_) + aligned(product_bytes_) + aligned(gemm_bytes_);
    if (stride > stride_) {
        stride_ = stride;
        scratch_ = Block();
        scratch_ = Block(stride * threads_, work_);
    }
}

void WidenedProducts::widen() {
    Block memory;
    for (std::size_t index = next_panel_++; index < panels_.size(); index = next_panel_++) {
        const Panel & panel = panels_[index];
        const std::size_t stride = panel.weight->nb[1];
        const PackedLayout::Rows rows{static_cast<const std::byte *>(panel.weight->data) + panel.first * stride,
                                      stride};
        std::byte * packed = copy_.data() + panel.matrix.offset;
        if (!panel.matrix.layout->pack_stored(rows, panel.first, panel.count, packed)) {
            pack_floats(panel, rows, packed, memory);
        }
    }
}

void WidenedProducts::pack_floats(const Panel & panel, const PackedLayout::Rows & rows, void * packed,
                                  Block & memory) const {
    const PackedLayout & layout = *panel.matrix.layout;
    const std::size_t stride = layout.panel_stride();
    const std::size_t bytes = floats_bytes(layout);
    if (memory.size() < bytes) {
        memory = Block(bytes, work_);
    }
    const ggml_to_float_t to_float = ggml_get_type_traits(panel.weight->type)->to_float;
    for (std::uint32_t column = 0; column < panel.count; ++column) {
        const std::byte * row = rows.data + column * rows.stride;
        float * to = memory.floats() + column * stride;
        if (panel.weight->type == GGML_TYPE_F32) {
            std::memcpy(to, row, layout.depth() * sizeof(float));
        } else {
            to_float(row, to, layout.depth());
        }
    }
    layout.pack(memory.floats(), panel.first, panel.count, packed);
}

void WidenedProducts::begin_graph() {
    steps_.clear();
}

WidenedProducts::Step & WidenedProducts::add_step(const Norm & norm, std::span<const Linear> linears, std::int64_t rows,
                                                  Gemm::Mode mode) {
    Step & step = steps_.emplace_back();
    step.products = this;
    step.norm = norm;
    step.rows = narrow_size(rows);
    step.depth = narrow_size(linears.front().in());
    const auto widest = std::max_element(linears.begin(), linears.end(),
                                         [](const Linear & a, const Linear & b) { return a.out() < b.out(); });
    const std::size_t row_bytes = 2 * static_cast<std::size_t>(widest->out()) * sizeof(float);
    const auto most = static_cast<std::uint32_t>(
        std::clamp<std::size_t>(kProductBytes / row_bytes / kRowStep * kRowStep, 2 * kRowStep, kBlockRows));
    step.block = block_rows(element_, step.rows, threads_, most);
    for (const Linear & linear : linears) {
        const Matrix & matrix = matrices_.at(linear.weight);
        const bool bias = linear.bias != nullptr;
        const std::uint32_t last = step.rows % step.block;
        Part & part = step.parts.emplace_back();
        part.weights = copy_.data() + matrix.offset;
        part.bias = bias ? floats(linear.bias) : nullptr;
        part.columns = matrix.layout->columns();
        part.whole = step.rows >= step.block ? &gemm(mode, bias, step.block, *matrix.layout) : nullptr;
        part.rest = last > 0 ? &gemm(mode, bias, last, *matrix.layout) : nullptr;
        for (const Gemm * made : {part.whole, part.rest}) {
            gemm_bytes_ = made == nullptr ? gemm_bytes_ : std::max(gemm_bytes_, made->scratch_bytes());
        }
    }
    reserve_scratch();
    return step;
}

bool WidenedProducts::take(Step & step, Rows & rows) {
    rows.first = step.next++ * step.block;
    if (rows.first >= step.rows) {
        return false;
    }
    rows.count = std::min(step.block, step.rows - rows.first);
    return true;
}

const void * WidenedProducts::normalised(const Step & step, const ggml_tensor * hidden, const Rows & rows,
                                         std::byte * scratch) const {
    if (step.norm.weight == nullptr) {
        return input_of(hidden, rows, scratch);
    }
    for (std::uint32_t row = 0; row < rows.count; ++row) {
        const float * x = floats(hidden) + std::size_t{rows.first + row} * step.depth;
        norm_row(step.norm.kind, {x, step.depth}, floats(step.norm.weight), step.norm.epsilon, element_,
                 scratch + row * bytes_of(element_, step.depth));
    }
    return scratch;
}

const void * WidenedProducts::input_of(const ggml_tensor * input, const Rows & rows, std::byte * scratch) const {
    const auto * data = static_cast<const std::byte *>(input->data);
    if (input->type == tensor_type(element_)) {
        return data + rows.first * input->nb[1];
    }
    const auto depth = static_cast<std::size_t>(input->ne[0]);
    narrow_row({floats(input) + rows.first * depth, rows.count * depth}, element_, scratch);
    return scratch;
}

void WidenedProducts::multiply_block(const Step & step, const Part & part, const Rows & rows, const void * input,
                                     float * out, std::byte * scratch) const {
    const Gemm & gemm = rows.count == step.block ? *part.whole : *part.rest;
    gemm.run(input, part.weights, part.bias, out, scratch + aligned(input_bytes_) + aligned(product_bytes_));
}

std::vector<ggml_tensor *> WidenedProducts::project(ggml_context * ctx, const Norm & norm,
                                                    std::span<const Linear> linears, ggml_tensor * hidden) {
    Step & step = add_step(norm, linears, hidden->ne[1], Gemm::Mode::Store);
    std::int64_t columns = 0;
    for (const Linear & linear : linears) {
        columns += linear.out();
    }
    std::array<ggml_tensor *, 1> sources{hidden};
    const auto run = [](ggml_tensor * node, int thread, int, void * data) noexcept {
        auto & at = *static_cast<Step *>(data);
        at.products->guarded([&] { at.products->run_project(at, node, thread); });
    };
    ggml_tensor * node =
        ggml_custom_4d(ctx, GGML_TYPE_F32, columns, step.rows, 1, 1, sources.data(), 1, run, GGML_N_TASKS_MAX, &step);
    std::vector<ggml_tensor *> results;
    std::size_t first = 0;
    for (const Linear & linear : linears) {
        results.push_back(view_rows(ctx, node, linear.out(), step.rows, first));
        first += static_cast<std::size_t>(linear.out()) * step.rows;
    }
    return results;
}

void WidenedProducts::run_project(Step & step, ggml_tensor * node, int thread) {
    std::byte * memory = scratch(thread);
    for (Rows rows; take(step, rows);) {
        const void * input = normalised(step, node->src[0], rows, memory);
        float * out = floats(node);
        for (const Part & part : step.parts) {
            multiply_block(step, part, rows, input, out + std::size_t{rows.first} * part.columns, memory);
            out += std::size_t{step.rows} * part.columns;
        }
    }
}

ggml_tensor * WidenedProducts::gate_up(ggml_context * ctx, const Norm & norm, const Linear & gate, const Linear & up,
                                       Activation activation, ggml_tensor * hidden) {
    const std::array<Linear, 2> both{gate, up};
    product_bytes_ = std::max(product_bytes_, 2 * kBlockRows * static_cast<std::size_t>(gate.out()) * sizeof(float));
    product_bytes_ = std::min(
        product_bytes_, std::max(kProductBytes, 4 * kRowStep * static_cast<std::size_t>(gate.out()) * sizeof(float)));
    Step & step = add_step(norm, both, hidden->ne[1], Gemm::Mode::Store);
    step.activation = activation;
    std::array<ggml_tensor *, 1> sources{hidden};
    const auto run = [](ggml_tensor * node, int thread, int, void * data) noexcept {
        auto & at = *static_cast<Step *>(data);
        at.products->guarded([&] { at.products->run_gate_up(at, node, thread); });
    };
    const ggml_type type = tensor_type(element_);
    const std::size_t row_bytes = bytes_of(element_, static_cast<std::size_t>(gate.out()));
    return ggml_custom_4d(ctx, type, static_cast<std::int64_t>(row_bytes / ggml_type_size(type)), step.rows, 1, 1,
                          sources.data(), 1, run, GGML_N_TASKS_MAX, &step);
}

void WidenedProducts::run_gate_up(Step & step, ggml_tensor * node, int thread) {
    std::byte * memory = scratch(thread);
    const std::size_t columns = step.parts.front().columns;
    auto * gate = reinterpret_cast<float *>(memory + aligned(input_bytes_));
    float * up = gate + step.block * columns;
    for (Rows rows; take(step, rows);) {
        const void * input = normalised(step, node->src[0], rows, memory);
        multiply_block(step, step.parts[0], rows, input, gate, memory);
        multiply_block(step, step.parts[1], rows, input, up, memory);
        gate_row(step.activation, {gate, rows.count * columns}, up, element_,
                 static_cast<std::byte *>(node->data) + rows.first * node->nb[1]);
    }
}

ggml_tensor * WidenedProducts::add_product(ggml_context * ctx, const Linear & linear, ggml_tensor * input,
                                           ggml_tensor * hidden) {
    assert(ggml_is_contiguous(input) && ggml_is_contiguous(hidden));
    Step & step = add_step({}, {&linear, 1}, hidden->ne[1], Gemm::Mode::Accumulate);
    std::array<ggml_tensor *, 1> sources{input};
    const auto run = [](ggml_tensor * node, int thread, int, void * data) noexcept {
        auto & at = *static_cast<Step *>(data);
        at.products->guarded([&] { at.products->run_single(at, node, node->src[1], thread); });
    };
    return ggml_custom_inplace(ctx, hidden, sources.data(), 1, run, GGML_N_TASKS_MAX, &step);
}

ggml_tensor * WidenedProducts::multiply(ggml_context * ctx, const Linear & linear, ggml_tensor * input) {
    if (!matrices_.contains(linear.weight)) {
        return GgmlProducts().multiply(ctx, linear, input);
    }
    assert(ggml_is_contiguous(input));
    Step & step = add_step({}, {&linear, 1}, input->ne[1], Gemm::Mode::Store);
    std::array<ggml_tensor *, 1> sources{input};
    const auto run = [](ggml_tensor * node, int thread, int, void * data) noexcept {
        auto & at = *static_cast<Step *>(data);
        at.products->guarded([&] { at.products->run_single(at, node, node->src[0], thread); });
    };
    return ggml_custom_4d(ctx, GGML_TYPE_F32, linear.out(), step.rows, 1, 1, sources.data(), 1, run, GGML_N_TASKS_MAX,
                          &step);
}

void WidenedProducts::run_single(Step & step, ggml_tensor * node, const ggml_tensor * input, int thread) {
    std::byte * memory = scratch(thread);
    const Part & part = step.parts.front();
    for (Rows rows; take(step, rows);) {
        multiply_block(step, part, rows, input_of(input, rows, memory),
                       floats(node) + std::size_t{rows.first} * part.columns, memory);
    }
}

}  // namespace snapkv::product

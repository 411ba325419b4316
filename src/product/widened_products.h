#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include "base/block.h"
#include "base/halt.h"
#include "product/gemm.h"
#include "product/products.h"

namespace snapkv::product {

/// Products of one layer at a time on a widened copy of its weights: eight-bit integers in blocks of 32, bfloat16 or
/// float32. A layer-major prefill uses a layer once a prompt, so that widening costs one pass over the weights
/// and every chunk then runs plain products near the processor's peak. Weights must lie in plain host memory.
///
/// For each layer: begin_layer(), then widen() on all threads, then graphs, each begun with begin_graph() and run
/// once. Holds one layer's copy and a scratch for each thread. Not thread-safe but for widen().
class WidenedProducts final : public Products {
public:
    /// `threads`: of the graphs that run; `halt` (which outlives this) learns what a product throws, as oneDNN's may
    /// where memory is short; `work` counts the memory held.
    WidenedProducts(Element element, std::uint32_t threads, Halt & halt, std::shared_ptr<Meter> work);

    /// Can this matrix be widened: in plain memory, of a type that converts to float32?
    [[nodiscard]] static bool widens(const Linear & linear);
    /// Which floats the weights are best widened to on this machine: float32 where a matrix is stored so.
    [[nodiscard]] static Element float_element(std::span<const Linear> linears);
    /// Are these matrices quantised, so that as eight-bit integers they lose little (half a 127th of a block's greatest
    /// value at most), on a processor that multiplies those?
    [[nodiscard]] static bool takes_int8(std::span<const Linear> linears);

    /// Makes room for the layer's matrices. Throws Error(Machine).
    void begin_layer(std::span<const Linear> linears);
    /// Bytes that all threads together take while they widen, at most for the layers so far.
    [[nodiscard]] std::size_t widening_bytes() const { return threads_ * floats_bytes_; }
    /// Converts the layer's weights, panel by panel, with whatever other threads call it.
    void widen();
    /// Forgets the steps of graphs built before.
    void begin_graph();

    [[nodiscard]] std::vector<ggml_tensor *> project(ggml_context * ctx, const Norm & norm,
                                                     std::span<const Linear> linears, ggml_tensor * hidden) override;
    [[nodiscard]] ggml_tensor * gate_up(ggml_context * ctx, const Norm & norm, const Linear & gate, const Linear & up,
                                        Activation activation, ggml_tensor * hidden) override;
    /// Written over `hidden`.
    [[nodiscard]] ggml_tensor * add_product(ggml_context * ctx, const Linear & linear, ggml_tensor * input,
                                            ggml_tensor * hidden) override;
    /// A matrix that begin_layer() was not given (a router of experts) is multiplied by ggml.
    [[nodiscard]] ggml_tensor * multiply(ggml_context * ctx, const Linear & linear, ggml_tensor * input) override;

private:
    struct Matrix {
        const PackedLayout * layout = nullptr;
        std::size_t offset = 0;  ///< in the layer's copy
    };
    struct Panel {
        const ggml_tensor * weight = nullptr;
        Matrix matrix;
        std::uint32_t first = 0;
        std::uint32_t count = 0;
    };
    /// One product of a step.
    struct Part {
        const std::byte * weights = nullptr;
        const float * bias = nullptr;
        std::uint32_t columns = 0;
        const Gemm * whole = nullptr;  ///< for a full block of rows
        const Gemm * rest = nullptr;   ///< for the last block; null where it is full
    };
    /// What one node does: its rows are cut into blocks that threads take as they come.
    struct Step {
        WidenedProducts * products = nullptr;
        Norm norm;  ///< weight null: none
        Activation activation = Activation::Silu;
        std::vector<Part> parts;
        std::uint32_t depth = 0;
        std::uint32_t rows = 0;
        std::uint32_t block = 0;
        std::atomic<std::uint32_t> next{0};
    };
    struct Rows {
        std::uint32_t first = 0;
        std::uint32_t count = 0;
    };

    /// Bytes of a panel's floats.
    [[nodiscard]] static std::size_t floats_bytes(const PackedLayout & layout) {
        return PackedLayout::kPanel * layout.panel_stride() * sizeof(float);
    }
    /// Packs a panel by way of floats, in `memory`, which grows as needed.
    void pack_floats(const Panel & panel, const PackedLayout::Rows & rows, void * packed, Block & memory) const;
    [[nodiscard]] Step & add_step(const Norm & norm, std::span<const Linear> linears, std::int64_t rows,
                                  Gemm::Mode mode);
    [[nodiscard]] const PackedLayout & layout(std::uint32_t columns, std::uint32_t depth, ggml_type stored);
    [[nodiscard]] const Gemm & gemm(Gemm::Mode mode, bool bias, std::uint32_t rows, const PackedLayout & layout);
    [[nodiscard]] std::byte * scratch(int thread) {
        return scratch_.data() + static_cast<std::size_t>(thread) * stride_;
    }
    void reserve_scratch();
    [[nodiscard]] const void * normalised(const Step & step, const ggml_tensor * hidden, const Rows & rows,
                                          std::byte * scratch) const;
    [[nodiscard]] const void * input_of(const ggml_tensor * input, const Rows & rows, std::byte * scratch) const;
    void multiply_block(const Step & step, const Part & part, const Rows & rows, const void * input, float * out,
                        std::byte * scratch) const;
    static bool take(Step & step, Rows & rows);
    void run_project(Step & step, ggml_tensor * node, int thread);
    void run_gate_up(Step & step, ggml_tensor * node, int thread);
    void run_single(Step & step, ggml_tensor * node, const ggml_tensor * input, int thread);
    /// Nothing may be thrown through ggml's threads: what the work throws goes to halt_.
    template <typename Work>
    void guarded(const Work & work) noexcept;

    Element element_;
    std::uint32_t threads_;
    Halt & halt_;
    std::shared_ptr<Meter> work_;
    std::map<std::tuple<std::uint32_t, std::uint32_t, ggml_type>, PackedLayout> layouts_;
    std::map<std::tuple<Gemm::Mode, bool, std::uint32_t, std::uint32_t, std::uint32_t, ggml_type>, Gemm> gemms_;
    std::map<const ggml_tensor *, Matrix> matrices_;  ///< of the layer at hand
    std::vector<Panel> panels_;
    std::atomic<std::size_t> next_panel_{0};
    Block copy_;     ///< the layer's weights
    Block scratch_;  ///< [thread][stride_]: a block's input, its two products, oneDNN's own
    std::size_t stride_ = 0;
    std::size_t floats_bytes_ = 0;  ///< of the largest panel that is packed by way of floats
    std::size_t input_bytes_ = 0;
    std::size_t product_bytes_ = 0;
    std::size_t gemm_bytes_ = 0;
    std::deque<Step> steps_;
};

}  // namespace snapkv::product

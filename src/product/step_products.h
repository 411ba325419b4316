#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "base/block.h"
#include "product/ggml_products.h"
#include "product/products.h"
#include "product/row_dot.h"

namespace snapkv::product {

/// Products of the few rows of a decode step, of one sequence or several, where a model waits for its weights and its
/// threads for each other: a norm and the products that read it are one node, so are the two products of SwiGLU, and a
/// product with the sum it goes into. Threads share the weights' rows; each brings the input into its products' form
/// for itself, which costs less than waiting for another's. Weights are read as they are stored, once for all rows, and
/// what comes of a row does not depend on the others. Steps with weights that rows cannot be multiplied with (not in
/// plain memory) fall to ggml. A graph may run any number of times; it must not outlive this.
class StepProducts final : public Products {
public:
    /// Of one sequence, more rows are another implementation's business: with dot products of our own it pays to copy a
    /// layer's weights into another form from then on; ggml's products of many rows outrun its dot products sooner.
    /// Measured.
    [[nodiscard]] static std::uint32_t most_rows();

    /// `threads`: of the graphs that run; `portable`: ggml's dot products only.
    explicit StepProducts(std::uint32_t threads, bool portable = false) : scratch_(threads), portable_(portable) {}

    /// Forgets the steps of all graphs built so far.
    void clear() { steps_.clear(); }
    [[nodiscard]] std::uint64_t scratch_bytes() const;

    [[nodiscard]] std::vector<ggml_tensor *> project(ggml_context * ctx, const Norm & norm,
                                                     std::span<const Linear> linears, ggml_tensor * hidden) override;
    [[nodiscard]] ggml_tensor * gate_up(ggml_context * ctx, const Norm & norm, const Linear & gate, const Linear & up,
                                        Activation activation, ggml_tensor * hidden) override;
    /// Written over `hidden`.
    [[nodiscard]] ggml_tensor * add_product(ggml_context * ctx, const Linear & linear, ggml_tensor * input,
                                            ggml_tensor * hidden) override;
    [[nodiscard]] ggml_tensor * multiply(ggml_context * ctx, const Linear & linear, ggml_tensor * input) override;

private:
    struct Part {
        Linear linear;
        const RowDot * dot = nullptr;
    };
    struct Step {
        StepProducts * products = nullptr;
        Norm norm;  ///< weight null: none
        Activation activation = Activation::Silu;
        std::vector<Part> parts;
    };
    /// Rows of weights that one thread takes.
    struct Share {
        std::uint32_t begin = 0;
        std::uint32_t end = 0;
    };
    /// Rows of weights whose results are held at once: whole cache lines of them.
    static constexpr std::uint32_t kBlock = 64;
    struct alignas(64) CacheLine {
        std::array<std::byte, 64> bytes;
    };
    /// One thread's memory: a normalised row, all rows prepared, and two results of a block for each.
    struct Scratch {
        std::vector<float> normalised;
        std::vector<CacheLine> prepared;
        std::vector<CacheLine> prepared_up;  ///< where SwiGLU's two matrices take other forms
        std::vector<float> first;
        std::vector<float> second;
    };

    [[nodiscard]] bool serves(std::span<const Linear> linears) const;
    Step & add_step(const Norm & norm, std::span<const Linear> linears, std::int64_t rows);
    static Share share_of(std::int64_t rows, int thread, int threads);
    template <typename Body>
    static void for_blocks(const Share & share, const Body & body);
    static void multiply_share(const Part & part, const Share & share, const PreparedInputs & inputs, float * out,
                               std::size_t out_stride);
    static const float * input_row(const Step & step, const ggml_tensor * input, std::int64_t row, Scratch & scratch);
    /// Of one row; rows begin on cache lines of their own.
    static std::size_t prepared_lines(const Part & part);
    static PreparedInputs prepare(const Step & step, const Part & part, const ggml_tensor * input, Scratch & scratch,
                                  std::vector<CacheLine> & prepared);
    void run_project(const Step & step, ggml_tensor * node, int thread, int threads);
    void run_gate_up(const Step & step, ggml_tensor * node, int thread, int threads);
    void run_add(const Step & step, ggml_tensor * node, int thread, int threads);

    std::vector<Scratch> scratch_;  ///< one a thread
    bool portable_;
    std::deque<Step> steps_;
    GgmlProducts ggml_;
};

}  // namespace snapkv::product

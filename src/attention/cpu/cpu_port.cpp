#include <algorithm>
#include <array>
#include <cassert>
#include <deque>

#include "attention/cpu/attend.h"
#include "attention/cpu/column_sums.h"
#include "attention/port.h"
#include "base/block.h"

namespace snapkv::attention {

namespace {

/// Scratch begins on a cache line for every thread.
constexpr std::size_t kLineFloats = 16;
std::size_t whole_lines(std::size_t floats) {
    return (floats + kLineFloats - 1) / kLineFloats * kLineFloats;
}

class CpuPort final : public Port {
public:
    CpuPort(std::uint32_t first_layer, std::uint32_t layers) : Port(first_layer, layers) {
        for (std::uint32_t layer = 0; layer < layers; ++layer) {
            nodes_.emplace_back(this);
        }
    }

    void prepare(std::uint32_t chunk_rows, std::uint32_t threads) override {
        std::size_t thread_floats = 0;
        std::size_t partial_floats = 0;
        for (std::size_t layer = 0; layer < nodes_.size(); ++layer) {
            nodes_[layer].attend.prepare(units()[layer], chunk_rows, threads);
            nodes_[layer].column_sums.prepare(units()[layer]);
            thread_floats = std::max({thread_floats, whole_lines(nodes_[layer].attend.thread_floats()),
                                      whole_lines(nodes_[layer].column_sums.thread_floats())});
            partial_floats = std::max(partial_floats, nodes_[layer].attend.partial_floats());
        }
        thread_floats_ = thread_floats;
        threads_ = threads;
        const std::size_t bytes = (thread_floats * threads + partial_floats) * sizeof(float);
        if (scratch_.size() < bytes) {
            constexpr std::size_t kMostSpare = std::size_t{16} << 20U;  // growth is rare
            scratch_ = {};
            scratch_ = Block(bytes + std::min(bytes / 2, kMostSpare), std::make_shared<Meter>());
        }
    }

    [[nodiscard]] bool reusable() const override { return true; }

    [[nodiscard]] std::size_t node_count(std::uint32_t /*layer*/) override { return 2; }

    [[nodiscard]] std::uint64_t scratch_bytes() const override { return scratch_.size(); }

    ggml_tensor * attend(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * q,
                         ggml_tensor * stored) override {
        Node & node = nodes_[layer - first_layer()];
        const AttentionSpec & spec = unit(layer).spec;
        const std::int64_t size = std::int64_t{spec.heads} * spec.value_size;
        std::array<ggml_tensor *, 2> sources{q, stored};
        ggml_tensor * out = ggml_custom_4d(ctx, GGML_TYPE_F32, size, q->ne[2], 1, 1, sources.data(), 2, attend_node,
                                           GGML_N_TASKS_MAX, &node);
        ggml_build_forward_expand(graph, out);
        return out;
    }

    void add_column_sums(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * q,
                         ggml_tensor * attended) override {
        std::array<ggml_tensor *, 2> sources{q, attended};
        ggml_build_forward_expand(
            graph, ggml_custom_4d(ctx, GGML_TYPE_F32, 1, 1, 1, 1, sources.data(), 2, column_sums_node, GGML_N_TASKS_MAX,
                                  &nodes_[layer - first_layer()]));
    }

private:
    struct Node {
        explicit Node(CpuPort * of) : port(of) {}

        CpuPort * port;
        cpu::Attend attend;
        cpu::ColumnSums column_sums;
    };

    [[nodiscard]] float * thread_scratch(int thread) {
        return scratch_.floats() + static_cast<std::size_t>(thread) * thread_floats_;
    }
    [[nodiscard]] float * partials() { return scratch_.floats() + threads_ * thread_floats_; }

    static void attend_node(ggml_tensor * out, int thread, int threads, void * data) noexcept {
        Node & node = *static_cast<Node *>(data);
        assert(static_cast<std::uint32_t>(threads) <= node.port->threads_);
        static_cast<void>(threads);
        node.attend.attend(static_cast<std::uint32_t>(thread), static_cast<const float *>(out->src[0]->data),
                           static_cast<float *>(out->data), node.port->thread_scratch(thread), node.port->partials());
    }

    static void column_sums_node(ggml_tensor * node, int thread, int threads, void * data) noexcept {
        Node & of_layer = *static_cast<Node *>(data);
        assert(static_cast<std::uint32_t>(threads) <= of_layer.port->threads_);
        static_cast<void>(threads);
        of_layer.column_sums.add(static_cast<const float *>(node->src[0]->data), of_layer.port->thread_scratch(thread));
    }

    std::deque<Node> nodes_;  // a deque: graphs hold addresses of its elements
    Block scratch_;
    std::size_t thread_floats_ = 0;
    std::size_t threads_ = 0;
};

}  // namespace

std::unique_ptr<Port> make_cpu_port(std::uint32_t first_layer, std::uint32_t layers) {
    return std::make_unique<CpuPort>(first_layer, layers);
}

}  // namespace snapkv::attention

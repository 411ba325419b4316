#include "attention/portable/portable_port.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <deque>
#include <vector>

#include "attention/portable/column_sums.h"
#include "attention/portable/nodes.h"
#include "attention/portable/plan.h"
#include "ggml.h"

namespace snapkv::attention {

namespace {

using portable::HeadBlock;
using portable::Place;

/// What one layer's custom nodes work from. Deques: graphs hold addresses of elements.
struct LayerNodes {
    const LayerUnit * unit = nullptr;
    struct Block {
        const LayerUnit * unit;
        HeadBlock rows;
    };
    struct Output {
        const LayerUnit * unit;
        Place place;
    };
    std::deque<Block> blocks;
    std::deque<Output> outputs;

    [[nodiscard]] std::uint64_t bytes() const {
        std::uint64_t sum = blocks.size() * sizeof(Block) + outputs.size() * sizeof(Output);
        for (const Block & block : blocks) {
            sum += block.rows.pieces.capacity() * sizeof(portable::Piece);
        }
        return sum;
    }
};

float * floats(const ggml_tensor * tensor) {
    return static_cast<float *>(tensor->data);
}

void mask_node(ggml_tensor * node, int thread, int threads, void * data) noexcept {
    const auto & block = *static_cast<const LayerNodes::Block *>(data);
    portable::fill_mask(block.unit->spec, block.rows, static_cast<std::uint16_t *>(node->data), thread, threads);
}

void distances_node(ggml_tensor * node, int thread, int threads, void * data) noexcept {
    const auto & block = *static_cast<const LayerNodes::Block *>(data);
    portable::fill_distances(block.unit->spec, block.rows, static_cast<std::uint16_t *>(node->data), thread, threads);
}

void keys_node(ggml_tensor * node, int thread, int threads, void * data) noexcept {
    const auto & block = *static_cast<const LayerNodes::Block *>(data);
    portable::gather_keys(block.unit->shape, block.rows, floats(node), thread, threads);
}

void values_node(ggml_tensor * node, int thread, int threads, void * data) noexcept {
    const auto & block = *static_cast<const LayerNodes::Block *>(data);
    portable::gather_values(block.unit->shape, block.rows, floats(node), thread, threads);
}

void zero_node(ggml_tensor * node, int thread, int threads, void * /*data*/) noexcept {
    portable::fill_zeros(floats(node), static_cast<std::size_t>(ggml_nelements(node)), thread, threads);
}

void place_node(ggml_tensor * node, int thread, int threads, void * data) noexcept {
    const auto & output = *static_cast<const LayerNodes::Output *>(data);
    portable::place_rows(output.unit->spec, output.place, floats(node->src[1]), floats(node), thread, threads);
}

void row_sums_node(ggml_tensor * node, int thread, int threads, void * unit) noexcept {
    portable::fill_row_sums(*static_cast<const LayerUnit *>(unit), floats(node->src[0]), thread, threads);
}

void column_sums_node(ggml_tensor * node, int thread, int threads, void * unit) noexcept {
    portable::add_column_sums(*static_cast<const LayerUnit *>(unit), floats(node->src[0]), thread, threads);
}

/// Nodes and leaves of one (block, KV head): mask, distances, keys, values, and for each part of the group's heads a
/// view of the queries, sinks, the attention and its placing.
constexpr std::size_t kHeadNodes = 4;
constexpr std::size_t kPartNodes = 4;

/// Attention as ggml_flash_attn_ext over each (block of queries, KV head), in float32 throughout. Rows that lie in one
/// piece are read where they are, where ggml then computes in float32: float32 rows, and float16 rows for at least
/// kTileQueries queries. Others (several views, bfloat16, few queries) are first gathered into float32, one KV head at
/// a time, in the graph's own buffer. The mask comes from the positions.
class Builder {
public:
    Builder(ggml_context * ctx, ggml_cgraph * graph, LayerNodes & nodes, const portable::Limits & limits,
            ggml_tensor * q, ggml_tensor * stored)
        : ctx_(ctx), graph_(graph), nodes_(nodes), unit_(*nodes.unit), limits_(limits), q_(q), stored_(stored) {}

    ggml_tensor * build() {
        const std::int64_t size = std::int64_t{unit_.spec.heads} * unit_.spec.value_size;
        out_ = custom(GGML_TYPE_F32, size, q_->ne[2], zero_node, nullptr);
        for (const QuerySpan & span : unit_.queries) {
            const portable::SpanPlan plan = portable::plan_span(unit_.spec, limits_, span);
            for (const std::vector<HeadBlock> & heads : plan.blocks) {
                mask_ = nullptr;
                distances_ = nullptr;
                for (std::uint32_t head = 0; head < heads.size(); ++head) {
                    add_head(heads[head], head, plan.cut.heads);
                }
            }
        }
        ggml_build_forward_expand(graph_, out_);
        return out_;
    }

private:
    ggml_tensor * custom(ggml_type type, std::int64_t columns, std::int64_t rows, ggml_custom_op_t work, void * data) {
        std::array<ggml_tensor *, 1> sources{stored_};
        return ggml_custom_4d(ctx_, type, columns, rows, 1, 1, sources.data(), 1, work, GGML_N_TASKS_MAX, data);
    }

    /// Rows of `size` elements from `data`, `stride` bytes apart, in place. Keys and values are of one type.
    ggml_tensor * wrap(const std::byte * data, std::size_t size, std::uint32_t rows, std::size_t stride) {
        ggml_tensor * tensor =
            ggml_new_tensor_2d(ctx_, kv::ggml_type_of(unit_.shape.type.key), static_cast<std::int64_t>(size), rows);
        tensor->nb[1] = stride;
        tensor->nb[2] = tensor->nb[3] = rows * stride;
        tensor->data = const_cast<std::byte *>(data);  // ggml asks for mutable memory; it is only read
        return tensor;
    }

    [[nodiscard]] bool readable_in_place(const HeadBlock & rows) const {
        return rows.pieces.size() == 1 &&
               (unit_.shape.type == KvType::F32 ||
                (unit_.shape.type == KvType::F16 && rows.queries.count >= portable::kTileQueries));
    }

    /// `parts`: query heads a node.
    void add_head(const HeadBlock & rows, std::uint32_t kv_head, std::uint32_t parts) {
        if (rows.rows == 0) {
            return;
        }
        LayerNodes::Block & block = nodes_.blocks.emplace_back(LayerNodes::Block{&unit_, rows});
        if (mask_ == nullptr || !portable::same_rows(*masked_, rows)) {
            mask_ = custom(GGML_TYPE_F16, rows.rows, rows.queries.count, mask_node, &block);
            masked_ = &block.rows;
            if (!unit_.spec.alibi_slopes.empty()) {
                distances_ = custom(GGML_TYPE_F16, rows.rows, rows.queries.count, distances_node, &block);
            }
        }
        const kv::LayerShape & shape = unit_.shape;
        ggml_tensor * keys = nullptr;
        ggml_tensor * values = nullptr;
        if (readable_in_place(rows)) {
            const portable::Piece & piece = rows.pieces.front();
            keys =
                wrap(piece.view.keys + piece.begin * shape.key_bytes(), shape.key_size, rows.rows, shape.key_bytes());
            values = wrap(piece.view.values + piece.begin * shape.value_stride(), shape.value_size, rows.rows,
                          shape.value_stride());
        } else {
            keys = custom(GGML_TYPE_F32, shape.key_size, rows.rows, keys_node, &block);
            values = custom(GGML_TYPE_F32, shape.value_size, rows.rows, values_node, &block);
        }
        const std::uint32_t group = unit_.spec.group();
        for (std::uint32_t first = 0; first < group; first += parts) {
            const std::uint32_t heads = std::min(parts, group - first);
            add_part({rows.queries.row, rows.queries.count, kv_head * group + first, heads}, keys, values);
        }
    }

    void add_part(const Place & place, ggml_tensor * keys, ggml_tensor * values) {
        const AttentionSpec & spec = unit_.spec;
        ggml_tensor * queries = ggml_view_3d(ctx_, q_, spec.key_size, place.count, place.heads, q_->nb[2], q_->nb[1],
                                             place.row * q_->nb[2] + place.head * q_->nb[1]);
        // ggml's slope of a node's only head is 2^-bias; a bias of zero means no slope.
        const float slope = spec.slope(place.head);
        const float bias = slope > 0 ? -std::log2(slope) : 0.0F;
        assert(slope == 0 || bias > 0);
        ggml_tensor * weighted = ggml_flash_attn_ext(ctx_, queries, keys, values, slope > 0 ? distances_ : mask_,
                                                     spec.scale, bias, spec.soft_cap);
        if (!spec.sinks.empty()) {
            ggml_tensor * sinks = ggml_new_tensor_1d(ctx_, GGML_TYPE_F32, place.heads);
            sinks->data = const_cast<float *>(&spec.sinks[place.head]);  // as in wrap()
            ggml_flash_attn_ext_add_sinks(weighted, sinks);
        }
        ggml_prec_set_acc(weighted, GGML_PREC_F32);
        LayerNodes::Output & output = nodes_.outputs.emplace_back(LayerNodes::Output{&unit_, place});
        std::array<ggml_tensor *, 1> sources{weighted};
        out_ = ggml_custom_inplace(ctx_, out_, sources.data(), 1, place_node, GGML_N_TASKS_MAX, &output);
        // At once, so that one head's rows are dropped before the next head's are gathered.
        ggml_build_forward_expand(graph_, out_);
    }

    ggml_context * ctx_;
    ggml_cgraph * graph_;
    LayerNodes & nodes_;
    const LayerUnit & unit_;
    const portable::Limits & limits_;
    ggml_tensor * q_;
    ggml_tensor * stored_;
    ggml_tensor * out_ = nullptr;
    ggml_tensor * mask_ = nullptr;        ///< the latest of this block of queries
    ggml_tensor * distances_ = nullptr;   ///< beside it, where there are slopes
    const HeadBlock * masked_ = nullptr;  ///< what it was made for
};

class PortablePort final : public Port {
public:
    PortablePort(std::uint32_t first_layer, std::uint32_t layers, const portable::Limits & limits)
        : Port(first_layer, layers), layers_(layers), limits_(limits) {}

    [[nodiscard]] bool reusable() const override { return false; }

    [[nodiscard]] std::size_t node_count(std::uint32_t layer) override {
        const LayerUnit & of_layer = unit(layer);
        std::size_t count = 3;  // the output, row sums, column sums
        for (const QuerySpan & span : of_layer.queries) {
            const portable::SpanPlan plan = portable::plan_span(of_layer.spec, limits_, span);
            if (!plan.blocks.empty()) {
                const std::size_t parts = (of_layer.spec.group() + plan.cut.heads - 1) / plan.cut.heads;
                count += plan.blocks.size() * of_layer.spec.kv_heads * (kHeadNodes + parts * kPartNodes);
            }
        }
        return count;
    }

    /// The graph was built from the filled units: all is settled.
    void prepare(std::uint32_t /*chunk_rows*/, std::uint32_t /*threads*/) override {}

    [[nodiscard]] std::uint64_t scratch_bytes() const override {
        std::uint64_t bytes = 0;
        for (const LayerNodes & layer : layers_) {
            bytes += layer.bytes();
        }
        return bytes;
    }

    ggml_tensor * attend(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * q,
                         ggml_tensor * stored) override {
        LayerNodes & nodes = layers_[layer - first_layer()];
        nodes = LayerNodes{};
        nodes.unit = &unit(layer);
        ggml_tensor * out = Builder(ctx, graph, nodes, limits_, q, stored).build();
        const auto asks = [](const QuerySpan & span) { return span.row_sums != nullptr; };
        if (std::any_of(unit(layer).queries.begin(), unit(layer).queries.end(), asks)) {
            add_sums(ctx, graph, layer, row_sums_node, {q, out});
        }
        return out;
    }

    void add_column_sums(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * q,
                         ggml_tensor * attended) override {
        add_sums(ctx, graph, layer, column_sums_node, {q, attended});
    }

private:
    /// A node that writes elsewhere, after its sources.
    void add_sums(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_custom_op_t work,
                  std::array<ggml_tensor *, 2> sources) {
        ggml_build_forward_expand(graph, ggml_custom_4d(ctx, GGML_TYPE_F32, 1, 1, 1, 1, sources.data(), 2, work,
                                                        GGML_N_TASKS_MAX, &unit(layer)));
    }

    std::deque<LayerNodes> layers_;
    portable::Limits limits_;
};

}  // namespace

std::unique_ptr<Port> make_portable_port(std::uint32_t first_layer, std::uint32_t layers,
                                         const portable::Limits & limits) {
    return std::make_unique<PortablePort>(first_layer, layers, limits);
}

std::unique_ptr<Port> make_portable_port(std::uint32_t first_layer, std::uint32_t layers) {
    return make_portable_port(first_layer, layers, portable::Limits{});
}

}  // namespace snapkv::attention

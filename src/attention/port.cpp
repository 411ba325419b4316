#include "attention/port.h"

#include <array>
#include <cassert>

#include "attention/store.h"

namespace snapkv::attention {

namespace {

const float * floats(const ggml_tensor * tensor) {
    return static_cast<const float *>(tensor->data);
}

// Custom nodes need an output though they write elsewhere: one float, which later nodes take as their source.
void store_node(ggml_tensor * node, int thread, int threads, void * unit) noexcept {
    store_rows(*static_cast<const LayerUnit *>(unit), floats(node->src[0]), floats(node->src[1]), thread, threads);
}

void capture_node(ggml_tensor * node, int thread, int threads, void * unit) noexcept {
    capture_rows(*static_cast<const LayerUnit *>(unit), floats(node->src[0]), thread, threads);
}

}  // namespace

Port::Port(std::uint32_t first_layer, std::uint32_t layers) : first_layer_(first_layer), units_(layers) {}

ggml_tensor * Port::store(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * k,
                          ggml_tensor * v) {
    assert(ggml_is_contiguous(k) && ggml_is_contiguous(v));
    std::array<ggml_tensor *, 2> sources{k, v};
    ggml_tensor * node =
        ggml_custom_4d(ctx, GGML_TYPE_F32, 1, 1, 1, 1, sources.data(), 2, store_node, GGML_N_TASKS_MAX, &unit(layer));
    ggml_build_forward_expand(graph, node);
    return node;
}

void Port::capture(ggml_context * ctx, ggml_cgraph * graph, std::uint32_t layer, ggml_tensor * q) {
    std::array<ggml_tensor *, 1> sources{q};
    ggml_tensor * node =
        ggml_custom_4d(ctx, GGML_TYPE_F32, 1, 1, 1, 1, sources.data(), 1, capture_node, GGML_N_TASKS_MAX, &unit(layer));
    ggml_build_forward_expand(graph, node);
}

}  // namespace snapkv::attention

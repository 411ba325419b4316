#include "run/embed.h"

#include <algorithm>
#include <cstring>

namespace snapkv::run {

void embed(const model::Decoder & decoder, Compute & compute, Allocator & allocator, std::span<const Token> tokens,
           std::uint32_t batch, HiddenStates & hidden) {
    const auto total = static_cast<std::uint32_t>(tokens.size());
    for (std::uint32_t first = 0; first < total; first += batch) {
        const std::uint32_t count = std::min(batch, total - first);
        Graph graph(16);
        ggml_tensor * ids = graph.integers(count);
        graph.expand(ggml_cpy(graph.ctx(), decoder.embed(graph.ctx(), ids), hidden.view(graph.ctx(), first, count)));
        allocator.allocate(graph);
        std::memcpy(ids->data, tokens.data() + first, count * sizeof(Token));
        compute.run(graph, Compute::Phase::Prefill);
    }
}

}  // namespace snapkv::run

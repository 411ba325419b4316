// What a prefill computes of the rows whose logits are wanted, once their last layer's keys and values are complete.
#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "run/layer_shape.h"
#include "run/prefill.h"

namespace snapkv::run {

/// The logits of some of the rows that score what follows them, or of the prompt's last row, which ends it: that is
/// alone, so that its logits do not depend on how many are scored.
bool Prefill::output(BranchCache & branch) {
    const std::uint32_t n = branch.plan().n;
    const std::uint32_t rows = branch.plan().output_rows;
    if (rows > 1 && output_ < rows) {
        const std::uint32_t count = std::min(HiddenStates::kLeastRows, rows - output_);
        output_rows(branch, n - rows + output_, count);
        output_ += count;
        return false;
    }
    output_rows(branch, n - 1, 1);
    return true;
}

/// What is left of the last layer for rows that are to give logits, whose keys and values it has: nothing where it
/// recurs, since all rows went through it.
ggml_tensor * Prefill::finish_rows(Graph & graph, ggml_tensor * x, ggml_tensor * positions) {
    if (recurs()) {
        return x;
    }
    LayerTask task = LayerTask::whole(layer_, 0, x, positions);
    task.stores = false;
    std::vector<model::StateTensors> none;
    return layer_graph(graph).add(task, none);
}

void Prefill::output_rows(BranchCache & branch, std::uint32_t first, std::uint32_t count) {
    unit().stores.clear();
    unit().captures.clear();
    unit().queries.clear();
    if (!recurs()) {
        unit().queries.push_back(query_span(&branch, 0, count, first));
    }
    unit().prefill = false;
    products_.begin_graph();
    Graph graph(layer_nodes(environment_.params) + port_->node_count(0));
    ggml_context * ctx = graph.ctx();
    ggml_tensor * positions = graph.integers(count);
    ggml_tensor * x = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, environment_.params.width, count);
    ggml_set_input(x);
    ggml_tensor * logits = environment_.decoder.logits(ctx, products_.stored(), finish_rows(graph, x, positions));
    ggml_set_output(logits);
    graph.expand(logits);
    environment_.allocator.allocate(graph);
    std::vector<std::uint32_t> places(count);
    std::iota(places.begin(), places.end(), first);
    std::memcpy(positions->data, places.data(), count * sizeof(std::uint32_t));
    for (std::uint32_t row = 0; row < count; ++row) {
        const std::uint32_t position = first + row;
        const float * from = position < plan_.trunk ? trunk_.row(position - plan_.held)
                                                    : suffixes_.row(branch.plan().first_row + position - plan_.trunk);
        std::copy_n(from, environment_.params.width,
                    static_cast<float *>(x->data) + std::size_t{row} * environment_.params.width);
    }
    port_->prepare(count, environment_.compute.threads(Compute::Phase::Prefill));
    environment_.compute.run(graph, Compute::Phase::Prefill);
    on_logits_(static_cast<std::size_t>(&branch - branches_.data()), first, count,
               static_cast<const float *>(logits->data));
}

}  // namespace snapkv::run

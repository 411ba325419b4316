#include "run/layer_graph.h"

#include <cassert>

namespace snapkv::run {

namespace {

ggml_tensor * rows_of(ggml_context * ctx, ggml_tensor * x, RowRange range) {
    if (x == nullptr || range.count() == x->ne[1]) {
        return x;
    }
    return ggml_view_2d(ctx, x, x->ne[0], range.count(), x->nb[1], range.begin * x->nb[1]);
}

}  // namespace

LayerTask LayerTask::whole(std::uint32_t layer, std::uint32_t unit, ggml_tensor * hidden, ggml_tensor * positions) {
    const RowRange all{0, static_cast<std::uint32_t>(hidden->ne[1])};
    return {.layer = layer, .unit = unit, .hidden = hidden, .positions = positions, .queries = all, .output = all};
}

ggml_tensor * LayerGraph::add(const LayerTask & task, std::vector<model::StateTensors> & states) {
    ggml_context * ctx = graph.ctx();
    if (!task.states.empty()) {
        ggml_tensor * all =
            decoder.recurrent_layer(ctx, graph.graph(), products, task.layer, task.hidden, task.states, states);
        return rows_of(ctx, all, task.output);
    }
    ggml_tensor * hidden = task.hidden;
    model::AttentionInput input;
    ggml_tensor * stored = nullptr;
    if (task.stores) {
        input = decoder.attention_input(ctx, products, task.layer, hidden, task.positions,
                                        task.attends ? model::Wanted::All : model::Wanted::KeysValues);
        stored = port.store(ctx, graph.graph(), task.unit, input.keys, input.values);
    }
    if (input.queries == nullptr && task.queries.count() > 0) {
        ggml_tensor * positions =
            ggml_view_1d(ctx, task.positions, task.queries.count(), task.queries.begin * task.positions->nb[0]);
        input = decoder.attention_input(ctx, products, task.layer, rows_of(ctx, hidden, task.queries), positions,
                                        model::Wanted::Queries);
    }
    if (!port.unit(task.unit).captures.empty()) {
        port.capture(ctx, graph.graph(), task.unit, input.queries);
    }
    if (!task.attends) {
        return nullptr;
    }
    assert(!task.stores || task.queries.count() == hidden->ne[1]);
    ggml_tensor * attended =
        port.attend(ctx, graph.graph(), task.unit, input.queries, stored == nullptr ? input.queries : stored);
    if (port.unit(task.unit).sums_columns()) {
        port.add_column_sums(ctx, graph.graph(), task.unit, input.queries, attended);
    }
    if (task.output.count() == 0) {
        return nullptr;
    }
    const RowRange output{task.output.begin - task.queries.begin, task.output.end - task.queries.begin};
    return decoder.finish_layer(ctx, products, task.layer, rows_of(ctx, hidden, task.output),
                                rows_of(ctx, attended, output), rows_of(ctx, input.gate, output));
}

void LayerGraph::replace(const LayerTask & task) {
    std::vector<model::StateTensors> states;  // the graph runs once, with the states it was built for
    ggml_tensor * finished = add(task, states);
    if (finished != nullptr) {
        graph.expand(finished->data == task.hidden->data ? finished : ggml_cpy(graph.ctx(), finished, task.hidden));
    }
}

}  // namespace snapkv::run

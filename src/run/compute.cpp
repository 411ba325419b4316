#include "run/compute.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <exception>

#include "base/headroom.h"
#include "base/raise.h"

namespace snapkv::run {

Graph::Graph(std::size_t nodes) {
    const std::size_t bytes = 2 * nodes * ggml_tensor_overhead() + ggml_graph_overhead_custom(nodes, false);
    require_memory(bytes);
    ctx_.reset(ggml_init({bytes, nullptr, true}));
    graph_ = ggml_new_graph_custom(ctx_.get(), nodes, false);
}

ggml_tensor * Graph::integers(std::int64_t count) {
    ggml_tensor * tensor = ggml_new_tensor_1d(ctx_.get(), GGML_TYPE_I32, count);
    ggml_set_input(tensor);
    ggml_build_forward_expand(graph_, tensor);  // it has memory even where nothing reads it (layers without positions)
    return tensor;
}

Compute::Compute(std::uint32_t decode_threads, std::uint32_t prefill_threads, const Stop & stop)
    : decode_threads_(decode_threads), prefill_threads_(prefill_threads), halt_(stop) {
    service_.call([this] {
        constexpr std::size_t kThreadState = 1024;  // more than ggml keeps of one
        require_threads(most_threads() - 1);
        require_memory(most_threads() * kThreadState);
        ggml_threadpool_params params = ggml_threadpool_params_default(static_cast<int>(most_threads()));
        pool_.reset(ggml_threadpool_new(&params));
    });
}

void Compute::check_stop() const {
    if (stop().requested()) {
        throw Interrupted();
    }
}

void Compute::run(const Graph & graph, Phase phase) {
    check_stop();
    halt_.restart();
    service_.call([&] { compute(graph.graph(), threads(phase)); });
    if (const std::exception_ptr thrown = halt_.take_thrown()) {
        std::rethrow_exception(thrown);
    }
    if (halt_.stopped()) {
        throw Interrupted();
    }
}

void Compute::compute(ggml_cgraph * graph, std::uint32_t threads) {
    ggml_cplan plan = ggml_graph_plan(graph, static_cast<int>(threads), pool_.get());
    if (work_.size() < plan.work_size) {
        work_ = Block();
        work_ = Block(plan.work_size, std::make_shared<Meter>());
    }
    plan.work_data = reinterpret_cast<std::uint8_t *>(work_.data());
    plan.abort_callback = [](void * halt) { return static_cast<Halt *>(halt)->stopped(); };
    plan.abort_callback_data = &halt_;
    require_memory(0);
    const ggml_status status = ggml_graph_compute(graph, &plan);
    assert(status == GGML_STATUS_SUCCESS || halt_.stopped());
    static_cast<void>(status);
}

void Compute::parallel(const std::function<void()> & work) {
    const Graph graph(4);
    Allocator allocator;
    ggml_tensor * input = ggml_new_tensor_1d(graph.ctx(), GGML_TYPE_F32, 1);
    ggml_set_input(input);
    std::array<ggml_tensor *, 1> sources{input};
    struct Call {
        const std::function<void()> & work;
        Halt & halt;
    } state{work, halt_};
    const auto call = [](ggml_tensor *, int, int, void * data) noexcept {
        const auto & shared = *static_cast<const Call *>(data);
        try {
            shared.work();
        } catch (...) {  // nothing may be thrown through ggml's threads
            shared.halt.fail();
        }
    };
    ggml_tensor * node =
        ggml_custom_4d(graph.ctx(), GGML_TYPE_F32, 1, 1, 1, 1, sources.data(), 1, call, GGML_N_TASKS_MAX, &state);
    ggml_build_forward_expand(graph.graph(), node);
    allocator.allocate(graph);
    run(graph, Phase::Prefill);
}

Allocator::Allocator() {
    require_memory(0);
    allocator_.reset(ggml_gallocr_new(ggml_backend_cpu_buffer_type()));
}

void Allocator::allocate(const Graph & graph) {
    constexpr std::size_t kTensorState = 1024;  // more than ggml keeps of one tensor's place and lifetime
    require_memory(static_cast<std::size_t>(ggml_graph_size(graph.graph())) * kTensorState);
    // Reserved anew for each graph: ggml would take an older graph's lifetimes for one that merely has its sizes.
    if (!ggml_gallocr_reserve(allocator_.get(), graph.graph()) ||
        !ggml_gallocr_alloc_graph(allocator_.get(), graph.graph())) {
        raise_machine("no memory for the intermediate results of a graph");
    }
}

std::uint64_t Allocator::bytes() const {
    return ggml_gallocr_get_buffer_size(allocator_.get(), 0);
}

}  // namespace snapkv::run

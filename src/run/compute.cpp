#include "run/compute.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <exception>
#include <mutex>

#include "base/raise.h"

namespace snapkv::run {

Graph::Graph(std::size_t nodes) {
    const std::size_t bytes = 2 * nodes * ggml_tensor_overhead() + ggml_graph_overhead_custom(nodes, false);
    ctx_.reset(ggml_init({bytes, nullptr, true}));
    if (!ctx_) {
        raise_machine("no memory for a graph of {} nodes", nodes);
    }
    graph_ = ggml_new_graph_custom(ctx_.get(), nodes, false);
}

ggml_tensor * Graph::integers(std::int64_t count) {
    ggml_tensor * tensor = ggml_new_tensor_1d(ctx_.get(), GGML_TYPE_I32, count);
    ggml_set_input(tensor);
    ggml_build_forward_expand(graph_, tensor);  // it has memory even where nothing reads it (layers without positions)
    return tensor;
}

Compute::Compute(std::uint32_t decode_threads, std::uint32_t prefill_threads, const std::atomic<bool> * stop)
    : decode_threads_(decode_threads), prefill_threads_(prefill_threads), stop_(stop) {
    const auto most = static_cast<int>(std::max(decode_threads, prefill_threads));
    ggml_threadpool_params params = ggml_threadpool_params_default(most);
    pool_.reset(ggml_threadpool_new(&params));
    backend_.reset(ggml_backend_cpu_init());
    if (!pool_ || !backend_) {
        raise_machine("a pool of {} threads could not be started", most);
    }
    ggml_backend_cpu_set_threadpool(backend_.get(), pool_.get());
    if (stop_ != nullptr) {
        // ggml asks for a mutable pointer; the callback only reads.
        ggml_backend_cpu_set_abort_callback(
            backend_.get(),
            [](void * flag) { return static_cast<const std::atomic<bool> *>(flag)->load(std::memory_order_relaxed); },
            const_cast<std::atomic<bool> *>(stop_));
    }
}

void Compute::check_stop() const {
    if (stop_ != nullptr && stop_->load(std::memory_order_relaxed)) {
        throw Interrupted();
    }
}

void Compute::run(const Graph & graph, Phase phase) {
    check_stop();
    ggml_backend_cpu_set_n_threads(backend_.get(), static_cast<int>(threads(phase)));
    const ggml_status status = ggml_backend_graph_compute(backend_.get(), graph.graph());
    check_stop();
    if (status == GGML_STATUS_ALLOC_FAILED) {
        raise_machine("no memory for the work buffer of a graph");
    }
    assert(status == GGML_STATUS_SUCCESS);
}

void Compute::parallel(const std::function<void()> & work) {
    const Graph graph(4);
    Allocator allocator;
    ggml_tensor * input = ggml_new_tensor_1d(graph.ctx(), GGML_TYPE_F32, 1);
    ggml_set_input(input);
    std::array<ggml_tensor *, 1> sources{input};
    // Nothing may be thrown through ggml's threads: the first exception waits here.
    struct Call {
        const std::function<void()> & work;
        std::mutex mutex;
        std::exception_ptr thrown;
    } state{work, {}, nullptr};
    const auto call = [](ggml_tensor *, int, int, void * data) noexcept {
        auto & shared = *static_cast<Call *>(data);
        try {
            shared.work();
        } catch (...) {
            const std::lock_guard lock(shared.mutex);
            shared.thrown = std::current_exception();
        }
    };
    ggml_tensor * node =
        ggml_custom_4d(graph.ctx(), GGML_TYPE_F32, 1, 1, 1, 1, sources.data(), 1, call, GGML_N_TASKS_MAX, &state);
    ggml_build_forward_expand(graph.graph(), node);
    allocator.allocate(graph);
    run(graph, Phase::Prefill);
    if (state.thrown) {
        std::rethrow_exception(state.thrown);
    }
}

Allocator::Allocator() : allocator_(ggml_gallocr_new(ggml_backend_cpu_buffer_type())) {}

void Allocator::allocate(const Graph & graph) {
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

#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "model/weights.h"

namespace snapkv::run {

/// Thrown where the stop flag ends a computation; never leaves the library.
struct Interrupted {};

/// A graph being built: its tensors' descriptions, the graph, and the buffer its intermediate results share. The
/// buffer belongs to the allocator and serves one graph after the other.
class Graph {
public:
    /// Room for `nodes` nodes and as many leaves.
    explicit Graph(std::size_t nodes);

    [[nodiscard]] ggml_context * ctx() const { return ctx_.get(); }
    [[nodiscard]] ggml_cgraph * graph() const { return graph_; }
    void expand(ggml_tensor * tensor) { ggml_build_forward_expand(graph_, tensor); }

    /// An input of `count` int32, to be filled after allocation.
    [[nodiscard]] ggml_tensor * integers(std::int64_t count);

private:
    model::ContextPtr ctx_;
    ggml_cgraph * graph_;
};

/// ggml's CPU backend with one thread pool for everything: graphs and our own parallel work. Not thread-safe.
class Compute {
public:
    enum class Phase { Prefill, Decode };

    /// Throws Error(Machine) where threads cannot be had. `stop` may be null.
    Compute(std::uint32_t decode_threads, std::uint32_t prefill_threads, const std::atomic<bool> * stop);

    [[nodiscard]] std::uint32_t threads(Phase phase) const {
        return phase == Phase::Prefill ? prefill_threads_ : decode_threads_;
    }
    /// Of either phase.
    [[nodiscard]] std::uint32_t most_threads() const { return std::max(decode_threads_, prefill_threads_); }
    [[nodiscard]] const std::atomic<bool> * stop() const { return stop_; }

    /// Runs an allocated graph. Throws Interrupted once the stop flag is set.
    void run(const Graph & graph, Phase phase);
    /// Calls `work` once on each prefill thread and waits for all. Throws Interrupted once the stop flag is set.
    void parallel(const std::function<void()> & work);
    void check_stop() const;

private:
    struct FreePool {
        void operator()(ggml_threadpool * pool) const { ggml_threadpool_free(pool); }
    };
    struct FreeBackend {
        void operator()(ggml_backend * backend) const { ggml_backend_free(backend); }
    };
    std::uint32_t decode_threads_;
    std::uint32_t prefill_threads_;
    const std::atomic<bool> * stop_;
    std::unique_ptr<ggml_threadpool, FreePool> pool_;
    std::unique_ptr<ggml_backend, FreeBackend> backend_;
};

/// Places a graph's intermediate results in one growing buffer.
class Allocator {
public:
    Allocator();
    /// Throws Error(Machine) where there is no memory.
    void allocate(const Graph & graph);
    [[nodiscard]] std::uint64_t bytes() const;

private:
    struct Free {
        void operator()(ggml_gallocr * allocator) const { ggml_gallocr_free(allocator); }
    };
    std::unique_ptr<ggml_gallocr, Free> allocator_;
};

}  // namespace snapkv::run

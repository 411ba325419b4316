#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/block.h"
#include "base/halt.h"
#include "base/thread.h"
#include "ggml-alloc.h"
#include "ggml-cpu.h"
#include "model/weights.h"

namespace snapkv::run {

/// Thrown where a computation was to stop; never leaves the library.
struct Interrupted {};

/// A graph being built: its tensors' descriptions, the graph, and the buffer its intermediate results share. The
/// buffer belongs to the allocator and serves one graph after the other.
class Graph {
public:
    /// Room for `nodes` nodes and as many leaves. Throws Error(Machine) where there is no memory.
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

/// ggml's CPU operations on one pool of threads for everything: graphs and our own parallel work. All kernels run on
/// threads of the library's own, to which no signal is delivered (see Thread); the caller waits. Not thread-safe.
class Compute {
public:
    enum class Phase { Prefill, Decode };

    /// Throws Error(Machine) where threads cannot be had.
    Compute(std::uint32_t decode_threads, std::uint32_t prefill_threads, const Stop & stop);

    [[nodiscard]] std::uint32_t threads(Phase phase) const {
        return phase == Phase::Prefill ? prefill_threads_ : decode_threads_;
    }
    /// Of either phase.
    [[nodiscard]] std::uint32_t most_threads() const { return std::max(decode_threads_, prefill_threads_); }
    /// What the threads of a run poll, and where they leave what they throw.
    [[nodiscard]] Halt & halt() { return halt_; }

    /// What ends computations; another from now on.
    [[nodiscard]] const Stop & stop() const { return halt_.stop(); }
    void obey(const Stop & stop) { halt_.obey(stop); }

    /// Runs an allocated graph. Throws what a thread threw, and Interrupted once it was to stop: then the graph's
    /// results are void.
    void run(const Graph & graph, Phase phase);
    /// Calls `work` once on each prefill thread and waits for all. Throws as run() does.
    void parallel(const std::function<void()> & work);
    /// Throws Interrupted where it is to stop.
    void check_stop() const;

private:
    struct FreePool {
        void operator()(ggml_threadpool * pool) const { ggml_threadpool_free(pool); }
    };
    void compute(ggml_cgraph * graph, std::uint32_t threads);

    std::uint32_t decode_threads_;
    std::uint32_t prefill_threads_;
    Halt halt_;
    Block work_;       ///< what the operations of a graph need beside their results
    Service service_;  ///< the pool's first thread, and the one that starts the others
    std::unique_ptr<ggml_threadpool, FreePool> pool_;
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

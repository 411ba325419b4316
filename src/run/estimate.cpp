#include "run/estimate.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <new>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "base/resident.h"
#include "run/layer_shape.h"
#include "run/port.h"
#include "run/session_impl.h"

namespace snapkv {

namespace run {

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

double mebibytes(std::uint64_t bytes) {
    return static_cast<double>(bytes) / (1U << 20U);
}

/// Memory of a trial that its session does not count: the session's peaks are those of real runs.
RunMemory apart() {
    kv::Arena nobody;
    return RunMemory(nobody, std::make_shared<Meter>());
}

/// One layer's products: the fastest of some small chunks, the first having warmed the caches and the mapping. What
/// else runs on the machine only ever makes a chunk slower.
double measure_row(Session::Impl & session) {
    constexpr std::uint32_t kRows = 128;
    constexpr std::uint32_t kChunks = 4;
    Branch branch;
    branch.prompt.tokens.assign(kChunks * kRows, 0);
    branch.prompt.question_begin = branch.prompt.tokens.size();
    branch.cache.policy = Policy::Full;
    const PrefillPlan plan = plan_prefill({&branch, 1}, session.params(), kChunks * kRows + 1);
    const RunMemory memory = apart();
    PrefillEnvironment environment = session.environment(memory);
    environment.batch = kRows;
    Prefill prefill(environment, plan, {});
    double seconds = std::numeric_limits<double>::infinity();
    for (std::uint32_t chunk = 0; chunk < kChunks; ++chunk) {  // one layer is enough
        const auto begin = Clock::now();
        prefill.advance();
        if (chunk > 0) {
            seconds = std::min(seconds, seconds_since(begin));
        }
    }
    return seconds / kRows;
}

/// Getting one layer's weights ready, once what is made only once is there.
double measure_layer(Session::Impl & session) {
    const model::Decoder & decoder = Internals::of(session.model)->decoder;
    PrefillProducts products(decoder, session.compute, session.work,
                             PrefillProducts::choose(session.params(), decoder, session.options.products));
    products.begin_layer(0);
    const auto begin = Clock::now();
    products.begin_layer(0);
    return seconds_since(begin);
}

/// Attention of a few query rows against some thousand zero rows.
double measure_pair(Session::Impl & session) {
    constexpr std::uint32_t kRows = 256;
    constexpr std::uint32_t kCacheRows = 2048;
    const attention::AttentionSpec spec = layer_spec(session.params(), Internals::of(session.model)->decoder, 0);
    const kv::LayerShape shape = attending_shape(session.params(), KvType::F16);
    kv::Arena arena;
    kv::LayerRows rows = kv::LayerRows::dense(arena, shape, kCacheRows, Position{0});
    rows.set_rows(kCacheRows);
    const auto port = make_port(session.options.attention, 1);
    attention::LayerUnit & unit = port->unit(0);
    unit.spec = spec;
    unit.shape = shape;
    attention::QuerySpan span{0, kRows, Position{kCacheRows}, {}};
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        span.rows.push_back({rows.head(head)});
    }
    unit.queries.push_back(std::move(span));
    Graph graph(16 + port->node_count(0));
    ggml_tensor * q = ggml_new_tensor_3d(graph.ctx(), GGML_TYPE_F32, spec.key_size, spec.heads, kRows);
    ggml_set_input(q);
    graph.expand(port->attend(graph.ctx(), graph.graph(), 0, q, q));
    Allocator allocator;
    allocator.allocate(graph);
    std::memset(q->data, 0, ggml_nbytes(q));
    double seconds = std::numeric_limits<double>::infinity();
    for (int repeat = 0; repeat < 4; ++repeat) {
        port->prepare(kRows, session.compute.threads(Compute::Phase::Prefill));
        const auto begin = Clock::now();
        session.compute.run(graph, Compute::Phase::Prefill);
        seconds = std::min(seconds, seconds_since(begin));
    }
    return seconds / (double{kRows} * kCacheRows);
}

/// Query positions times the cache rows they see, over trunk and suffixes; the vote counts as two more passes, and
/// adding up all queries' attention as 0.6 of one.
double attention_pairs(const PrefillPlan & plan) {
    constexpr double kColumnSums = 0.6;
    const double trunk = plan.trunk;
    const double held = plan.held;
    double pairs = (trunk * trunk - held * held) / 2 * (plan.accumulates() ? 1 + kColumnSums : 1);
    for (const BranchPlan & branch : plan.branches) {
        const double suffix = branch.suffix;
        pairs += suffix * (trunk + suffix / 2) * (branch.accumulates() ? 1 + kColumnSums : 1);
        pairs += branch.cache.compress && !branch.accumulates() ? 2.0 * branch.cache.window * branch.n : 0.0;
    }
    return pairs;
}

/// Whether the work was done: false where memory was short.
template <typename Work>
bool had_memory(const Work & work) {
    try {
        work();
        return true;
    } catch (const Error & error) {
        if (error.kind() != ErrorKind::Machine) {
            throw;
        }
    } catch (const std::bad_alloc &) {
    }
    return false;
}

/// What a prefill may take beside what is unreserved: the buffer of the session's last graph, which the next one
/// replaces.
std::uint64_t reusable_memory(const Session::Impl & session) {
    return session.prefill_allocator.bytes();
}

}  // namespace

PrefillBytes needed_memory(Session::Impl & session, const PrefillPlan & plan) {
    PrefillBytes bytes = prefill_bytes(plan, session.params(), session.options.batch);
    // Addresses only: nothing of it is written to.
    bytes.refused = !had_memory([&] {
        const RunMemory memory = apart();
        Prefill prefill(session.environment(memory), plan, {});
        bytes.compute += prefill.reserve();
        bytes.passing = std::max(bytes.passing, prefill.widening_bytes());
    });
    return bytes;
}

Reservation reserve_memory(Session::Impl & session, const PrefillPlan & plan, const std::shared_ptr<Meter> & taken) {
    const std::uint64_t reusable = reusable_memory(session);
    std::uint64_t unreserved = 0;
    const auto raise = [&](const PrefillBytes & bytes) {
        raise_machine(
            "a prefill of {} tokens needs {:.0f} MiB ({:.0f} hidden states, {:.0f} keys and values, {:.0f} votes{}; "
            "{:.0f} MiB are available",
            plan.computed(), mebibytes(bytes.total()), mebibytes(bytes.hidden), mebibytes(bytes.cache),
            mebibytes(bytes.compute + bytes.passing),
            bytes.refused ? ") and buffers, which the system refused" : " and buffers)", mebibytes(unreserved));
    };
    // The sum without the graph's buffers is set aside before these are asked for.
    const PrefillBytes least = prefill_bytes(plan, session.params(), session.options.batch);
    std::optional<Reservation> reserved = Reservation::take(least.total(), taken, unreserved, reusable);
    if (!reserved) {
        raise(least);
    }
    const PrefillBytes bytes = needed_memory(session, plan);
    if (bytes.refused) {
        raise(bytes);
    }
    reserved = {};
    reserved = Reservation::take(bytes.total(), taken, unreserved, reusable);
    if (!reserved) {
        raise(bytes);
    }
    return *std::move(reserved);
}

}  // namespace run

Estimate Session::estimate(std::span<const Branch> branches, std::int64_t max_tokens, const PrefillOptions & options,
                           const CallOptions & call) const try {
    const Impl::Call under_way(*impl_, call);
    const run::PrefillPlan plan = impl_->plan(branches, options);
    const std::uint64_t reusable = run::reusable_memory(*impl_);
    std::uint64_t available = unreserved_memory();  // before needed_memory(), which takes addresses
    available += std::min(reusable, std::numeric_limits<std::uint64_t>::max() - available);
    const run::PrefillBytes bytes = run::needed_memory(*impl_, plan);
    std::uint64_t token = 0;  // branches answer one after the other
    std::uint64_t shortest = impl_->options.context;
    for (const Branch & branch : branches) {
        shortest = std::min<std::uint64_t>(shortest, branch.prompt.tokens.size());
        token = std::max(token, impl_->model.info().cache_bytes_per_token(branch.cache.type));
    }
    // Without a limit the answer's length is unknown: the first block of rows it will take.
    const std::uint64_t asked = max_tokens < 0 ? kv::Tail::kBlockRows : static_cast<std::uint64_t>(max_tokens);
    const std::uint64_t answer_rows = std::min<std::uint64_t>(asked, impl_->options.context - shortest);
    Estimate estimate;
    estimate.prompt_tokens = plan.computed();
    estimate.hidden_bytes = bytes.hidden;
    estimate.cache_bytes = bytes.cache;
    estimate.compute_bytes = bytes.compute + bytes.passing;
    estimate.bytes_needed = estimate.hidden_bytes + estimate.cache_bytes + estimate.compute_bytes +
                            answer_rows * token + run::state_bytes(impl_->params());  // that a step writes
    if (bytes.refused) {  // more than there is; how much more is not known
        estimate.bytes_needed = std::max(estimate.bytes_needed, available + 1);
    }
    estimate.bytes_available = available;
    estimate.bytes_held = Internals::of(impl_->model)->held_bytes();
    if (!estimate.fits()) {
        return estimate;
    }
    if (!impl_->speed) {
        try {
            const bool measured = run::had_memory([&] {
                impl_->speed =
                    run::Speed{run::measure_layer(*impl_), run::measure_row(*impl_), run::measure_pair(*impl_)};
            });
            if (!measured) {
                return estimate;
            }
        } catch (const run::Interrupted &) {
            return estimate;  // sizes alone: the caller knows that it is to stop
        }
    }
    const double products = impl_->speed->layer_seconds + plan.computed() * impl_->speed->row_seconds;
    const double attention = run::attention_pairs(plan) * impl_->speed->pair_seconds;
    estimate.seconds = impl_->params().layers * products + impl_->params().attending_layers() * attention;
    return estimate;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

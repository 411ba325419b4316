#include "run/estimate.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

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
    Allocator allocator;
    PrefillEnvironment environment = session.environment(memory, allocator);
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
    PrefillProducts products(decoder, session.compute, std::make_shared<Meter>(),
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

[[noreturn]] void raise_short(const PrefillPlan & plan, const PrefillBytes & bytes, std::uint64_t available) {
    raise_machine(
        "a prefill of {} tokens needs {:.0f} MiB ({:.0f} hidden states, {:.0f} keys and values, {:.0f} votes{}; {:.0f} "
        "MiB are available",
        plan.computed(), mebibytes(bytes.total()), mebibytes(bytes.hidden), mebibytes(bytes.cache),
        mebibytes(bytes.compute + bytes.passing),
        bytes.refused ? ") and buffers, which the system refused" : " and buffers)", mebibytes(available));
}

}  // namespace

SizedPrefill::SizedPrefill(const PrefillBytes & least, const PrefillEnvironment & environment, const PrefillPlan & plan,
                           Prefill::OnLogits on_logits)
    : bytes(least) {
    bytes.refused = !had_memory([&] {
        prefill = std::make_unique<Prefill>(environment, plan, std::move(on_logits));
        bytes.compute += prefill->reserve();
        bytes.passing = std::max(bytes.passing, prefill->widening_bytes());
    });
}

ReservedMemory::ReservedMemory(Session::Impl & session, const PrefillPlan & plan, const std::shared_ptr<Meter> & taken)
    : plan_(plan),
      reusable_(reusable_memory(session)),
      bytes_(prefill_bytes(plan, session.params(), session.options.batch)),
      reservation_(Reservation::take(bytes_.total(), taken, available_, reusable_)) {
    if (!reservation_) {
        raise_short(plan, bytes_, available_);
    }
    reservation_->count_taken(false);  // until the first unit all is mapped and no more
}

std::unique_ptr<Prefill> ReservedMemory::build(const PrefillEnvironment & environment, Prefill::OnLogits on_logits) {
    SizedPrefill sized(bytes_, environment, plan_, std::move(on_logits));
    const std::uint64_t more = sized.bytes.total() - bytes_.total();
    bytes_ = sized.bytes;
    if (bytes_.refused || !reservation_->extend(more, sized.prefill->compute_bytes(), reusable_)) {
        raise_short(plan_, bytes_, available_);
    }
    return std::move(sized.prefill);
}

void ReservedMemory::take_buffers(std::uint64_t bytes) {
    if (!std::exchange(buffers_taken_, true) && reservation_) {
        reservation_->reduce(bytes);
        reservation_->count_taken(true);
    }
}

Estimate estimate_of(Session::Impl & session, const PrefillPlan & plan, const PrefillBytes & bytes,
                     std::uint64_t available, std::int64_t max_tokens) {
    std::uint64_t token = 0;  // branches answer one after the other
    std::uint64_t shortest = session.options.context;
    for (const BranchPlan & branch : plan.branches) {
        shortest = std::min<std::uint64_t>(shortest, branch.n);
        token = std::max(token, session.model.info().cache_bytes_per_token(branch.branch->cache.type));
    }
    // Without a limit the answer's length is unknown: the first block of rows it will take.
    const std::uint64_t asked = max_tokens < 0 ? kv::Tail::kBlockRows : static_cast<std::uint64_t>(max_tokens);
    const std::uint64_t answer_rows = std::min<std::uint64_t>(asked, session.options.context - shortest);
    Estimate estimate;
    estimate.prompt_tokens = plan.computed();
    estimate.hidden_bytes = bytes.hidden;
    estimate.cache_bytes = bytes.cache;
    estimate.compute_bytes = bytes.compute + bytes.passing;
    estimate.bytes_needed = estimate.hidden_bytes + estimate.cache_bytes + estimate.compute_bytes +
                            answer_rows * token + state_bytes(session.params());  // that a step writes
    if (bytes.refused) {  // more than there is; how much more is not known
        estimate.bytes_needed = std::max(estimate.bytes_needed, available + 1);
    }
    estimate.bytes_available = available;
    estimate.bytes_held = Internals::of(session.model)->held_bytes();
    if (!estimate.fits()) {
        return estimate;
    }
    if (!session.speed) {
        try {
            const bool measured = had_memory([&] {
                session.speed = Speed{measure_layer(session), measure_row(session), measure_pair(session)};
            });
            if (!measured) {
                return estimate;
            }
        } catch (const Interrupted &) {
            return estimate;  // sizes alone: the caller knows that it is to stop
        }
    }
    const double products = session.speed->layer_seconds + plan.computed() * session.speed->row_seconds;
    const double attention = attention_pairs(plan) * session.speed->pair_seconds;
    estimate.seconds = session.params().layers * products + session.params().attending_layers() * attention;
    return estimate;
}

}  // namespace run

Estimate Session::estimate(std::span<const Branch> branches, std::int64_t max_tokens, const PrefillOptions & options,
                           const CallOptions & call) const try {
    const Impl::Call under_way(*impl_, call);
    const run::PrefillPlan plan = impl_->plan(branches, options);
    const std::uint64_t reusable = run::reusable_memory(*impl_);
    std::uint64_t available = unreserved_memory();  // before addresses are taken
    available += std::min(reusable, std::numeric_limits<std::uint64_t>::max() - available);
    const run::RunMemory memory = run::apart();
    const run::PrefillBytes bytes = run::SizedPrefill(run::prefill_bytes(plan, impl_->params(), impl_->options.batch),
                                                      impl_->environment(memory, impl_->prefill_allocator), plan, {})
                                        .bytes;
    return run::estimate_of(*impl_, plan, bytes, available, max_tokens);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

// Sequences whose prompt was never read: rows of random numbers where a prefill would have left its own.
#include <algorithm>
#include <new>
#include <random>
#include <vector>

#include "attention/store.h"
#include "base/out_of_memory.h"
#include "base/raise.h"
#include "base/reservation.h"
#include "base/thread.h"
#include "run/cache_stats.h"
#include "run/layer_shape.h"
#include "run/session_impl.h"

namespace snapkv {

namespace run {
namespace {

constexpr std::uint32_t kPoolRows = 512;
constexpr std::uint32_t kViewRows = 256;  ///< rows in a row that are taken from one place of the pool

/// From -1 to 1 with variance 1/3, the same on every machine.
float uniform(std::mt19937 & random) {
    return static_cast<float>(static_cast<double>(random()) / 2147483648.0 - 1.0);
}

/// Some hundred random rows in the cache's type: what the rows of all layers are copied from.
class RowPool {
public:
    RowPool(kv::Arena & arena, const kv::LayerShape & shape, std::mt19937 & random)
        : random_(random), rows_(kv::LayerRows::dense(arena, shape, kPoolRows, Position{0})) {
        std::vector<float> keys(std::size_t{kPoolRows} * shape.kv_heads * shape.key_size);
        std::vector<float> values(std::size_t{kPoolRows} * shape.kv_heads * shape.value_size);
        std::generate(keys.begin(), keys.end(), [&] { return uniform(random); });
        std::generate(values.begin(), values.end(), [&] { return uniform(random); });
        attention::LayerUnit unit;
        unit.shape = shape;
        const auto stride = [&](const std::byte * first, const std::byte * second) {
            return static_cast<std::size_t>(second - first);
        };
        const std::uint32_t second = shape.kv_heads > 1 ? 1 : 0;
        unit.stores.push_back({0, kPoolRows, rows_.key_row(0, 0), rows_.value_row(0, 0),
                               stride(rows_.key_row(0, 0), rows_.key_row(second, 0)),
                               stride(rows_.value_row(0, 0), rows_.value_row(second, 0))});
        attention::store_rows(unit, keys.data(), values.data(), 0, 1);
        rows_.set_rows(kPoolRows);
    }

    /// Views that together are `n` rows at positions 0, 1, ...
    [[nodiscard]] std::vector<kv::HeadRows> views(std::uint32_t head, std::uint32_t n) const {
        std::vector<kv::HeadRows> views;
        const kv::LayerShape & shape = rows_.shape();
        for (std::uint32_t first = 0; first < n; first += kViewRows) {
            kv::HeadRows view = rows_.head(head);
            const std::uint32_t place = random_() % (kPoolRows - kViewRows);
            view.keys += place * shape.key_bytes();
            view.values += place * shape.value_stride();
            view.rows = std::min(kViewRows, n - first);
            view.first = Position{first};
            views.push_back(view);
        }
        return views;
    }

private:
    std::mt19937 & random_;
    kv::LayerRows rows_;
};

/// Sinks, then positions spread evenly over the prefix, another place for each head, then the recent rows.
std::vector<Position> spread_positions(const select::Plan & plan, std::mt19937 & random) {
    std::vector<Position> kept(plan.budget);
    const std::uint32_t voted = plan.budget - plan.recent - plan.sink;
    const double gap = static_cast<double>(plan.prefix() - plan.sink) / std::max(voted, 1U);
    const double place = (uniform(random) + 1.0) / 2 * 0.999;
    for (std::uint32_t i = 0; i < plan.budget; ++i) {
        if (i < plan.sink) {
            kept[i] = Position{i};
        } else if (i < plan.sink + voted) {
            kept[i] = Position{plan.sink + static_cast<std::uint32_t>((i - plan.sink + place) * gap)};
        } else {
            kept[i] = Position{plan.n - (plan.budget - i)};
        }
    }
    return kept;
}

kv::LayerRows whole_layer(kv::Arena & arena, const kv::LayerShape & shape, const RowPool & pool, std::uint32_t n) {
    kv::LayerRows rows = kv::LayerRows::dense(arena, shape, n, Position{0});
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        for (const kv::HeadRows & view : pool.views(head, n)) {
            const std::uint32_t row = index_of(view.first);
            std::copy_n(view.keys, view.rows * shape.key_bytes(), rows.key_row(head, row));
            std::copy_n(view.values, view.rows * shape.value_bytes(), rows.value_row(head, row));
        }
    }
    rows.set_rows(n);
    return rows;
}

/// Rows of `n` at the positions that `kept` gives for each head in turn.
template <typename Kept>
kv::LayerRows packed_layer(kv::Arena & arena, const kv::LayerShape & shape, const RowPool & pool, std::uint32_t n,
                           const Kept & kept) {
    std::vector<std::vector<kv::HeadRows>> sources;
    std::vector<std::vector<Position>> positions;
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        sources.push_back(pool.views(head, n));
        positions.push_back(kept());
    }
    return kv::LayerRows::packed(arena, shape, sources, positions);
}

/// The last `count` of `n`.
std::vector<Position> last_positions(std::uint32_t n, std::uint32_t count) {
    return positions_from(Position{n - count}, count);
}

/// All layers of a prompt by `plan`; null where the stop flag is set.
std::shared_ptr<const kv::Segment> filled_segment(Session::Impl & session, const select::Plan & plan,
                                                  const kv::LayerShape & shape, std::mt19937 & random) {
    kv::Arena pool_arena;  // not the session's, whose peak is that of the rows
    const RowPool pool(pool_arena, shape, random);
    auto segment = std::make_shared<kv::Segment>();
    for (std::uint32_t layer = 0; layer < session.params().layers; ++layer) {
        if (session.stop.requested()) {
            return nullptr;
        }
        if (session.params().layer_recurs(layer)) {
            const kv::LayerShape none = layer_shape(session.params(), layer, shape.type, shape.rotated);
            segment->add_layer(
                std::make_shared<kv::LayerRows>(kv::LayerRows::dense(*session.arena, none, 0, Position{0})));
            continue;
        }
        const std::uint32_t of_use = rows_of_use(session.params(), layer, plan.n);
        const auto packed = [&](const auto & kept) { return packed_layer(*session.arena, shape, pool, plan.n, kept); };
        segment->add_layer(std::make_shared<const kv::LayerRows>(
            of_use < plan.n ? packed([&] { return last_positions(plan.n, of_use); })
            : plan.compress ? packed([&] { return spread_positions(plan, random); })
                            : whole_layer(*session.arena, shape, pool, plan.n)));
    }
    return segment;
}

Branch random_branch(std::uint32_t tokens, const CacheConfig & cache, std::uint32_t vocabulary, std::mt19937 & random) {
    Branch branch;
    branch.cache = cache;
    for (std::uint32_t i = 0; i < tokens; ++i) {
        branch.prompt.tokens.push_back(static_cast<Token>(random() % vocabulary));
    }
    branch.prompt.question_begin = tokens;
    return branch;
}

}  // namespace
}  // namespace run

std::optional<Sequence> Session::filled_sequence(std::uint32_t depth, const CacheConfig & cache,
                                                 std::uint32_t seed) try {
    std::mt19937 random(seed);
    // A plan wants a token; at depth 0 its configuration is checked and nothing else is taken from it.
    Branch branch = run::random_branch(std::max(depth, 1U), cache, impl_->params().vocabulary, random);
    const run::PrefillPlan plan = run::plan_prefill({&branch, 1}, impl_->params(), impl_->options.context);
    const run::BranchPlan & of_branch = plan.branches.front();
    const kv::LayerShape shape = run::attending_shape(impl_->params(), of_branch.type, cache.rotate);
    const std::uint64_t rows = shape.kv_heads * run::kept_rows(of_branch, impl_->params());
    const std::uint64_t states = 2 * run::state_bytes(impl_->params());  // a step's old one and new one
    std::uint64_t unreserved = 0;
    const auto reserved =
        Reservation::take(rows * shape.row_bytes() + states, impl_->arena->shared_meter(), unreserved);
    if (!reserved) {
        raise_machine("{} rows of keys and values, and states, need {} MiB; {} MiB are available", rows,
                      (rows * shape.row_bytes() + states) >> 20U, unreserved >> 20U);
    }
    impl_->arena->meter().restart_peak();
    std::vector<std::shared_ptr<const kv::Segment>> segments;
    CacheStats stats{.config = cache, .reason = "there is no prompt"};
    if (depth > 0) {
        Service().call([&] { segments.push_back(run::filled_segment(*impl_, of_branch.cache, shape, random)); });
        if (segments.front() == nullptr) {
            return std::nullopt;
        }
        stats = run::cache_stats(of_branch, impl_->params(), segments);
    }
    branch.prompt.tokens.resize(depth);
    return Internals::make(std::make_unique<Sequence::Impl>(
        Sequence::Impl{.model = Internals::of(impl_->model),
                       .arena = impl_->arena,
                       .tokens = std::move(branch.prompt.tokens),
                       .prompt_tokens = depth,
                       .stats = std::move(stats),
                       .rows = {std::move(segments), impl_->tail(cache, Position{depth})},
                       .state = kv::RecurrentState(*impl_->arena, run::state_floats(impl_->params())),
                       .logits = std::vector<float>(impl_->params().vocabulary, 0.0F)}));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

#include "run/prefill.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "run/embed.h"
#include "run/layer_shape.h"
#include "run/port.h"
#include "run/store_span.h"

namespace snapkv::run {

namespace {

/// A prefill of fewer tokens leaves the mapped weights resident: reading them in again for the next costs it some
/// percent (6 % at 512), and its own memory is small beside them.
constexpr std::uint32_t kReleaseTokens = 2048;

/// Branches whose prompt is the trunk itself, those with the same vote one after another.
std::vector<std::size_t> voting_order(const PrefillPlan & plan) {
    std::vector<std::size_t> order;
    for (std::size_t index = 0; index < plan.branches.size(); ++index) {
        if (plan.branches[index].suffix == 0) {
            order.push_back(index);
        }
    }
    const auto vote_of = [&](std::size_t index) {
        const select::Plan & cache = plan.branches[index].cache;
        return std::tuple(cache.compress, cache.window, cache.prefix(), cache.evidence);
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t left, std::size_t right) { return vote_of(left) < vote_of(right); });
    return order;
}

}  // namespace

Prefill::Prefill(const PrefillEnvironment & environment, const PrefillPlan & plan, OnLogits on_logits)
    : environment_(environment),
      plan_(plan),
      on_logits_(std::move(on_logits)),
      spec_(layer_spec(environment.params, environment.decoder, 0)),
      shape_(layer_shape(environment.params, 0, plan.type)),
      trunk_(plan.trunk - plan.held, environment.params.width, environment.work),
      suffixes_(plan.suffix_rows, environment.params.width, environment.work),
      work_(environment.params, plan, environment.batch, environment.work),
      port_(make_port(environment.attention, 1)),
      products_(environment.decoder, environment.compute, environment.work,
                PrefillProducts::choose(environment.params, environment.decoder, environment.products)) {
    branches_.reserve(plan.branches.size());
    for (const BranchPlan & branch : plan.branches) {
        branches_.emplace_back(branch, spec_, state_floats(environment.params), environment.arena, environment.work);
    }
    dropped_.resize(branches_.size());
    voting_order_ = voting_order(plan);
    unit().halt = &environment.compute.halt();
}

std::uint64_t Prefill::compute_bytes() const {
    return environment_.allocator.bytes() + port_->scratch_bytes();
}

/// A layer of each kind: their weights and chunks differ.
std::uint64_t Prefill::reserve() {
    reserving_ = true;
    const std::uint64_t held = environment_.work->alive();
    const model::HyperParameters & params = environment_.params;
    std::set<std::pair<bool, bool>> seen;
    products_.reserve_layers();  // whose weights may be of different types
    for (std::uint32_t layer = 0; layer < params.layers; ++layer) {
        if (seen.emplace(params.layer_recurs(layer), params.layer_has_experts(layer)).second) {
            reserve_layer(layer);
        }
    }
    trunk_rows_ = {};
    for (BranchCache & branch : branches_) {
        branch.rows() = {};
    }
    layer_ = 0;
    reserving_ = false;
    return compute_bytes() + environment_.work->alive() - held;
}

void Prefill::reserve_layer(std::uint32_t layer) {
    enter_layer(layer);
    trunk_rows_ = kv::RowChain(environment_.arena, shape_, Position{0}, Position{plan_.trunk});  // addresses only
    trunk_rows_.last().set_rows(plan_.trunk);
    if (recurs()) {
        work_.states.begin_layer(nullptr);
    }
    const std::uint32_t of_trunk = std::min(environment_.batch, plan_.trunk - plan_.held);
    const std::uint32_t of_suffixes = std::min(environment_.batch, plan_.suffix_rows);
    const bool in_trunk = of_trunk >= of_suffixes;
    const std::uint32_t count = in_trunk ? of_trunk : of_suffixes;
    fill_unit(in_trunk ? std::vector{Piece{nullptr, 0, count, plan_.trunk - count}} : suffix_pieces(0, count));
    const std::uint32_t rows = HiddenStates::padded(count);
    products_.reserve_layer(layer_);  // the one that its graph refers to
    products_.begin_graph();
    Graph graph(layer_nodes(environment_.params, work_.states.spans().size()) + port_->node_count(0));
    layer_graph(graph).replace(
        whole_task((in_trunk ? trunk_ : suffixes_).view(graph.ctx(), 0, rows), graph.integers(rows)));
    environment_.allocator.allocate(graph);
    port_->prepare(rows, environment_.compute.threads(Compute::Phase::Prefill));
}

bool Prefill::advance() {
    if (done()) {
        return false;
    }
    if (!begun_) {
        if (layer_ == 0) {
            embed_all();
        }
        begin_layer();
    }
    if (!finishing_.empty()) {
        finish_next();
    } else if (in_suffixes_) {
        run_suffix_chunk();
    } else {
        run_trunk_chunk();
    }
    settle();
    end_if_unwanted();
    return true;
}

/// Goes on to where the next unit is: the suffixes once the trunk's branches are finished, then the next layer.
void Prefill::settle() {
    if (!finishing_.empty()) {
        return;
    }
    if (!in_suffixes_ && row_ == plan_.trunk) {
        latest_ = {};
        in_suffixes_ = true;
        row_ = 0;
    }
    if (in_suffixes_ && row_ == plan_.suffix_rows) {
        trunk_rows_ = {};
        if (plan_.computed() >= kReleaseTokens) {
            environment_.weights.release_layer(layer_);
        }
        ++layer_;
        begun_ = false;
    }
}

void Prefill::run_trunk_chunk() {
    const std::uint32_t end = recurs() && row_ < plan_.hold ? plan_.hold : plan_.trunk;  // whose state is wanted
    const std::uint32_t count = std::min(environment_.batch, end - row_);
    const bool completes_held = environment_.sink && row_ < plan_.hold && row_ + count >= plan_.hold;
    // A chunk that is padded amid the trunk writes over rows that are still to come.
    const std::uint32_t first = row_ - plan_.held;
    const std::uint32_t padding = std::min(HiddenStates::padded(count), plan_.trunk - row_) - count;
    const std::vector<float> to_come(trunk_.row(first + count), trunk_.row(first + count + padding));
    run_chunk(trunk_, first, count, {Piece{nullptr, 0, count, row_}});
    std::copy(to_come.begin(), to_come.end(), trunk_.row(first + count));
    row_ += count;
    if (recurs()) {  // which stores no rows: the chain only tells how far it goes
        trunk_rows_.last().set_rows(row_ - index_of(trunk_rows_.last().first()));
    }
    if (completes_held && environment_.sink->open()) {
        hand_over();
    }
    if (row_ == plan_.trunk) {
        finishing_.assign(voting_order_.begin(), voting_order_.end());
    }
}

void Prefill::run_suffix_chunk() {
    const std::uint32_t count = std::min(environment_.batch, plan_.suffix_rows - row_);
    const std::vector<Piece> pieces = suffix_pieces(row_, count);
    if (!pieces.empty()) {
        run_chunk(suffixes_, row_, count, pieces);
    } else {
        units_ += count;  // all of it was dropped
    }
    row_ += count;
    for (const Piece & piece : pieces) {
        if (piece.first + piece.count == piece.branch->plan().n) {
            finishing_.push_back(static_cast<std::size_t>(piece.branch - branches_.data()));
        }
    }
}

void Prefill::finish_next() {
    const std::size_t index = finishing_.front();
    if (dropped_[index] || finish(branches_[index])) {
        finishing_.pop_front();
        output_ = 0;
    }
}

/// The next unit of a branch whose rows of the layer are complete; whether it was the last.
bool Prefill::finish(BranchCache & branch) {
    const bool of_trunk = branch.plan().suffix == 0;
    if (of_trunk && output_ == 0) {
        begin_branch(branch);
    }
    if (in_last_layer() && !output(branch)) {
        return false;
    }
    if (recurs()) {
        branch.finish_recurrent_layer();
        return true;
    }
    const std::size_t floats = std::size_t{spec_.heads} * spec_.key_size;
    const std::uint32_t skipped = plan_.trunk_captured - branch.plan().trunk_captured();
    LayerVote alone;
    branch.finish_layer(layer_, environment_.compute, spec_, work_.trunk_queries.floats() + skipped * floats,
                        of_trunk ? latest_ : alone);
    return true;
}

void Prefill::drop(std::size_t branch) {
    dropped_[branch] = true;
    branches_[branch].drop();
    end_if_unwanted();
}

/// Without a branch a prefill goes on only for the rows that are to be held.
void Prefill::end_if_unwanted() {
    const bool holding = environment_.sink && environment_.sink->open();
    if (std::find(dropped_.begin(), dropped_.end(), false) == dropped_.end() && !holding) {
        trunk_rows_ = {};
        layer_ = environment_.params.layers;
    }
}

std::vector<PrefilledBranch> Prefill::take() {
    assert(done());
    std::vector<PrefilledBranch> results;
    for (std::size_t index = 0; index < branches_.size(); ++index) {
        BranchCache & branch = branches_[index];
        PrefilledBranch & result = results.emplace_back(PrefilledBranch{{}, std::move(branch.state())});
        if (dropped_[index]) {
            continue;
        }
        result.segments = branch.take_segments();
        result.compress_ms = branch.compress_ms();
        result.carried = branch.take_carried();
    }
    return results;
}

void Prefill::embed_all() {
    const std::vector<Token> & first = plan_.branches.front().branch->prompt.tokens;
    const auto fill = [&](HiddenStates & hidden, std::span<const Token> tokens) {
        embed(environment_.decoder, environment_.compute, environment_.allocator, tokens, environment_.batch, hidden);
    };
    fill(trunk_, std::span(first).subspan(plan_.held, plan_.trunk - plan_.held));
    std::vector<Token> suffixes;
    for (const BranchPlan & branch : plan_.branches) {
        const std::vector<Token> & tokens = branch.branch->prompt.tokens;
        suffixes.insert(suffixes.end(), tokens.begin() + plan_.trunk, tokens.end());
    }
    fill(suffixes_, suffixes);
}

void Prefill::enter_layer(std::uint32_t layer) {
    layer_ = layer;
    spec_ = layer_spec(environment_.params, environment_.decoder, layer);
    shape_ = layer_shape(environment_.params, layer, plan_.type);
    unit().spec = spec_;
    unit().shape = shape_;
}

void Prefill::begin_layer() {
    assert(ready());
    enter_layer(layer_);
    const HeldLayer held = plan_.held > 0 ? environment_.source->layer(layer_, environment_.arena) : HeldLayer{};
    trunk_rows_ = plan_.held > 0 ? held.rows.continued(environment_.arena, Position{plan_.held}, Position{plan_.trunk})
                                 : kv::RowChain(environment_.arena, shape_, Position{0}, Position{plan_.trunk});
    if (recurs()) {
        work_.states.begin_layer(held.state.get());
    }
    products_.begin_layer(layer_);
    std::fill_n(work_.trunk_sums.floats(), work_.trunk_sums.size() / sizeof(float), 0.0F);
    begun_ = true;
    row_ = plan_.held;
    in_suffixes_ = row_ == plan_.trunk;
    row_ = in_suffixes_ ? 0 : row_;
}

/// The rows that are to be held are complete in this layer.
void Prefill::hand_over() {
    HeldLayer layer;
    layer.rows = trunk_rows_.between(environment_.arena, Position{first_held(environment_.params, layer_, plan_.hold)},
                                     Position{plan_.hold});
    if (recurs()) {
        Block state(work_.states.trunk().size(), environment_.work);
        std::copy_n(work_.states.trunk().data(), state.size(), state.data());
        layer.state = std::make_shared<const Block>(std::move(state));
    }
    environment_.sink->add_layer(layer);
}

void Prefill::begin_branch(BranchCache & branch) {
    if (reserving_) {
        branch.reserve_layer(shape_);
    } else {
        branch.begin_layer(trunk_rows_);
        if (sums_columns(&branch)) {
            branch.begin_sums(work_.trunk_sums.floats());
        }
    }
    if (recurs()) {
        work_.states.begin_branch(branch, layer_);
    }
}

std::vector<Prefill::Piece> Prefill::suffix_pieces(std::uint32_t first_row, std::uint32_t count) {
    std::vector<Piece> pieces;
    for (std::size_t index = 0; index < branches_.size(); ++index) {
        BranchCache & branch = branches_[index];
        const BranchPlan & plan = branch.plan();
        const std::uint32_t begin = std::max(first_row, plan.first_row);
        const std::uint32_t end = std::min(first_row + count, plan.first_row + plan.suffix);
        if (begin >= end || dropped_[index]) {
            continue;
        }
        if (begin == plan.first_row) {
            begin_branch(branch);
        }
        pieces.push_back({&branch, begin - first_row, end - begin, plan_.trunk + begin - plan.first_row});
    }
    return pieces;
}

void Prefill::run_chunk(HiddenStates & hidden, std::uint32_t first_row, std::uint32_t count,
                        const std::vector<Piece> & pieces) {
    fill_unit(pieces);
    std::vector<std::uint32_t> positions(HiddenStates::padded(count), 0);
    for (const Piece & piece : pieces) {
        const auto begin = positions.begin() + piece.row;
        std::iota(begin, begin + piece.count, piece.first);
    }
    products_.begin_graph();
    Graph graph(layer_nodes(environment_.params, work_.states.spans().size()) + port_->node_count(0));
    ggml_tensor * input = graph.integers(static_cast<std::int64_t>(positions.size()));
    ggml_tensor * x = hidden.view(graph.ctx(), first_row, static_cast<std::uint32_t>(positions.size()));
    layer_graph(graph).replace(layer_task(x, input));
    run_graph(graph, positions, input);
    work_.states.finish_chunk();
    units_ += count;
}

void Prefill::run_graph(Graph & graph, const std::vector<std::uint32_t> & positions, ggml_tensor * input) {
    environment_.allocator.allocate(graph);
    std::memcpy(input->data, positions.data(), positions.size() * sizeof(std::uint32_t));
    port_->prepare(static_cast<std::uint32_t>(positions.size()), environment_.compute.threads(Compute::Phase::Prefill));
    environment_.compute.run(graph, Compute::Phase::Prefill);
}

LayerTask Prefill::whole_task(ggml_tensor * hidden, ggml_tensor * positions) const {
    LayerTask task = LayerTask::whole(layer_, 0, hidden, positions);
    if (recurs()) {
        task.states = work_.states.spans();
    }
    return task;
}

/// What this layer does with a chunk that is filled in. Nothing after the last layer reads most of its rows: keys and
/// values of all, queries of the windows only, but attention of all where it is added up.
LayerTask Prefill::layer_task(ggml_tensor * hidden, ggml_tensor * positions) {
    LayerTask task = whole_task(hidden, positions);
    if (!in_last_layer() || recurs()) {
        return task;
    }
    task.output = {};
    if (unit().sums_columns()) {
        return task;
    }
    task.attends = false;
    const auto rows = static_cast<std::uint32_t>(positions->ne[0]);
    task.queries = {rows, 0};
    for (const attention::CaptureSpan & span : unit().captures) {
        task.queries.begin = std::min(task.queries.begin, span.row);
        task.queries.end = std::max(task.queries.end, span.row + span.count);
    }
    if (unit().captures.empty()) {
        task.queries = {};
        return task;
    }
    // No fewer rows than any other product takes, wherever the chunk was cut.
    task.queries.begin = std::min(task.queries.begin, rows - HiddenStates::kLeastRows);
    task.queries.end = std::max(task.queries.end, task.queries.begin + HiddenStates::kLeastRows);
    for (attention::CaptureSpan & span : unit().captures) {
        span.row -= task.queries.begin;
    }
    return task;
}

void Prefill::fill_unit(const std::vector<Piece> & pieces) {
    unit().stores.clear();
    unit().captures.clear();
    unit().queries.clear();
    unit().prefill = true;
    for (const Piece & piece : pieces) {
        if (recurs()) {
            work_.states.add(piece.branch, layer_, piece.row, piece.count);
            continue;
        }
        add_store(piece);
        add_capture(piece);
        const bool sums = sums_columns(piece.branch);
        if (!in_last_layer() || sums) {
            unit().queries.push_back(query_span(piece.branch, piece.row, piece.count, piece.first));
        }
        if (sums) {
            ask_for_sums(piece, unit().queries.back());
        }
    }
}

/// The layer votes by the attention of all queries: for this branch, or in the trunk (null) for one that is wanted.
bool Prefill::sums_columns(const BranchCache * branch) const {
    if (recurs() || spec_.sliding_window > 0) {
        return false;
    }
    if (branch != nullptr) {
        return branch->plan().accumulates();
    }
    for (std::size_t index = 0; index < branches_.size(); ++index) {
        if (branches_[index].plan().accumulates() && !dropped_[index]) {
            return true;
        }
    }
    return false;
}

void Prefill::ask_for_sums(const Piece & piece, attention::QuerySpan & span) {
    span.row_sums = reinterpret_cast<attention::RowSum *>(work_.row_sums.data()) + std::size_t{piece.row} * spec_.heads;
    span.column_sums = piece.branch == nullptr ? work_.trunk_sums.floats() : piece.branch->column_sums();
    span.column_stride = piece.branch == nullptr ? plan_.trunk : piece.branch->plan().n;
}

void Prefill::add_store(const Piece & piece) {
    kv::LayerRows & rows = (piece.branch == nullptr ? trunk_rows_ : piece.branch->rows()).last();
    const std::uint32_t row = piece.first - index_of(rows.first());
    unit().stores.push_back(store_span(piece.row, piece.count, rows, row));
    rows.set_rows(row + piece.count);
}

void Prefill::add_capture(const Piece & piece) {
    // The rows to capture among this piece's: of the trunk's last plan_.trunk_captured, or of the branch's suffix.
    const std::uint32_t captured =
        piece.branch == nullptr ? plan_.trunk_captured : piece.branch->plan().suffix_captured();
    const std::uint32_t captured_first = (piece.branch == nullptr ? plan_.trunk : piece.branch->plan().n) - captured;
    const std::uint32_t begin = std::max(piece.first, captured_first);
    const std::uint32_t end = piece.first + piece.count;
    if (captured == 0 || begin >= end) {
        return;
    }
    const std::size_t floats = std::size_t{spec_.heads} * spec_.key_size;
    float * to = piece.branch == nullptr
                     ? work_.trunk_queries.floats() + (begin - captured_first) * floats
                     : piece.branch->captured_query(piece.branch->plan().trunk_captured() + begin - captured_first);
    unit().captures.push_back({piece.row + begin - piece.first, end - begin, to});
}

attention::QuerySpan Prefill::query_span(BranchCache * branch, std::uint32_t row, std::uint32_t count,
                                         std::uint32_t first) {
    const kv::RowChain & rows = branch != nullptr && branch->plan().suffix > 0 ? branch->rows() : trunk_rows_;
    return {row, count, Position{first}, rows.views()};
}

}  // namespace snapkv::run

#include "snapkv/session.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <set>
#include <utility>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "base/telling.h"
#include "base/threads.h"
#include "run/appending.h"
#include "run/hidden_states.h"
#include "run/sequence_impl.h"
#include "run/session_impl.h"
#include "run/turns.h"
#include "text/plain_text.h"
#include "text/utf8.h"

namespace snapkv {

namespace {

using Clock = std::chrono::steady_clock;
double milliseconds_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// Does work that may be interrupted: what it says of it, and the time.
template <typename Work>
AppendStats timed(const Work & work) {
    const auto begin = Clock::now();
    AppendStats stats;
    try {
        work(stats);
    } catch (const run::Interrupted &) {
        stats.interrupted = true;
    }
    stats.ms = milliseconds_since(begin);
    return stats;
}

/// Rows of a chunk whose largest product ggml finishes well within a second: it looks at the stop flag only between
/// products.
std::uint32_t largest_batch(const model::HyperParameters & params) {
    constexpr double kProductFlop = 50e9;
    const double inner = std::max({params.feed_forward, params.heads * params.key_size, params.width});
    const double rows = kProductFlop / (2.0 * params.width * inner);
    return std::max(run::HiddenStates::kLeastRows, static_cast<std::uint32_t>(std::min(rows, 16384.0)));
}

/// Nothing shall fail between a row and its token.
void make_room(std::vector<Token> & tokens, std::size_t more) {
    if (tokens.capacity() - tokens.size() < more) {
        tokens.reserve(std::max(tokens.size() + more, 2 * tokens.capacity()));
    }
}

/// A step's tokens follow the last one that has a row.
void check_fed(const Sequence::Impl & sequence) {
    if (sequence.pending) {
        raise_usage("a sequence's last token was sampled and has no row yet, so that a step cannot add another");
    }
}

attention::TokenTree tree_of(std::span<const Token> tokens, std::span<const std::int32_t> parents) {
    static_assert(kMostTreeTokens == attention::TokenTree::kMost);
    if (tokens.empty() || tokens.size() > kMostTreeTokens || parents.size() != tokens.size()) {
        raise_usage("a tree of {} tokens is given {} parents; expected are 1 to {} tokens and a parent for each",
                    tokens.size(), parents.size(), kMostTreeTokens);
    }
    for (std::size_t token = 0; token < parents.size(); ++token) {
        if (parents[token] < -1 || parents[token] >= static_cast<std::int32_t>(token)) {
            raise_usage("token {} of a tree is to continue token {}; expected is one before it, or -1 for the sequence",
                        token, parents[token]);
        }
    }
    return attention::TokenTree(parents);
}

SessionOptions settled(const Model & model, SessionOptions options) {
    constexpr std::uint32_t kMostThreads = 512;
    if (options.threads > kMostThreads || options.threads_batch > kMostThreads) {
        raise_field("session.threads", "session.threads is {}, expected at most {}",
                    std::max(options.threads, options.threads_batch), kMostThreads);
    }
    const std::uint32_t trained = model.info().trained_context;
    options.threads = options.threads == 0 ? usable_cores() : options.threads;
    options.threads_batch = options.threads_batch == 0 ? options.threads : options.threads_batch;
    // A chunk of fewer rows would be padded to this many: nothing would be won.
    options.batch =
        std::clamp(options.batch, run::HiddenStates::kLeastRows, largest_batch(Internals::of(model)->params));
    options.context = options.context == 0 ? trained : options.context;
    if (options.context > trained && !options.allow_long) {
        raise_field("session.context",
                    "a context of {} tokens is longer than the {} that the model was trained with; session.allow_long "
                    "allows it",
                    options.context, trained);
    }
    return options;
}

}  // namespace

Session::Impl::Impl(Model loaded, const SessionOptions & asked)
    : model(std::move(loaded)),
      options(settled(model, asked)),
      compute(options.threads, options.threads_batch, stop),
      stepper(params(), Internals::of(model)->decoder, compute, options.attention, options.products, options.batch,
              work) {}

run::PrefillEnvironment Session::Impl::environment(const run::RunMemory & of_run, run::Allocator & allocator) {
    return {.params = params(),
            .decoder = Internals::of(model)->decoder,
            .weights = Internals::of(model)->weights,
            .compute = compute,
            .allocator = allocator,
            .arena = *of_run.arena,
            .work = of_run.work,
            .batch = options.batch,
            .attention = options.attention,
            .products = options.products};
}

run::PrefillPlan Session::Impl::plan(std::span<const Branch> branches, const PrefillOptions & prefill) const {
    run::TrunkUse use{.hold = prefill.hold, .hold_in_file = !prefill.hold_file.empty()};
    if (prefill.document) {
        const Document::Impl & document = Internals::of(*prefill.document);
        check_belongs(document);
        use.held = document.rows->tokens();
        use.type = document.rows->type();
        use.reads = document.rows->reads();
    }
    return run::plan_prefill(branches, params(), options.context, use);
}

void Session::Impl::log_products() {
    if (options.log && !std::exchange(products_logged, true)) {
        options.log(run::PrefillProducts::describe(
            run::PrefillProducts::choose(params(), Internals::of(model)->decoder, options.products)));
    }
}

void Session::Impl::check_belongs(const Sequence::Impl & sequence) const {
    if (!Internals::of(model)->is_same_as(*sequence.model)) {
        raise_usage("the sequence was made with another model, or another RoPE setting, than the session's");
    }
}

void Session::Impl::check_belongs(const Document::Impl & document) const {
    if (!Internals::of(model)->is_same_as(*document.model)) {
        raise_usage("the document was made with another model, or another RoPE setting, than the session's");
    }
}

void Session::Impl::check_takes(const Sequence::Impl & sequence, std::span<const Token> tokens,
                                std::size_t more) const {
    for (const Token token : tokens) {
        if (token < 0 || static_cast<std::uint32_t>(token) >= params().vocabulary) {
            raise_input("token {} is not in the vocabulary of {}", token, params().vocabulary);
        }
    }
    if (sequence.tokens.size() + more >= options.context) {
        raise_input("{} tokens and {} more leave no room for an answer in a context of {}", sequence.tokens.size(),
                    more, options.context);
    }
}

void Session::Impl::check_several(std::span<Sequence * const> sequences) const {
    std::set<const Sequence *> seen;
    for (const Sequence * sequence : sequences) {
        if (sequence == nullptr) {
            raise_usage("a sequence is to go on and is not there");
        }
        check_belongs(Internals::of(*sequence));
        if (!seen.insert(sequence).second) {
            raise_usage("a sequence is to go on twice at once; fork() makes two of it");
        }
    }
}

void Session::Impl::step(std::vector<run::Feed> feeds, const std::function<void(const run::Feed &)> & stepped) {
    // Enough to share the weights; more would take memory. ggml's products of repacked weights, which take the place of
    // our own where there is no better, round one row otherwise than several.
    const std::ptrdiff_t most = Internals::of(model)->weights.repacked_bytes() > 0 ? 1 : 32;
    while (!feeds.empty()) {
        const std::vector<kv::LayerShape> & shapes = feeds.front().sequence->rows.tail.shapes();
        auto others = std::stable_partition(feeds.begin(), feeds.end(), [&](const run::Feed & feed) {
            return feed.sequence->rows.tail.shapes() == shapes;
        });
        others = std::min(others, feeds.begin() + most);
        stepper.step(std::span(feeds.begin(), others), run::Compute::Phase::Decode);
        std::for_each(feeds.begin(), others, stepped);
        feeds.erase(feeds.begin(), others);
    }
}

Session::Session(Model model, const SessionOptions & options) try
    : impl_(std::make_unique<Impl>(std::move(model), options)) {
} catch (const std::bad_alloc &) {
    out_of_memory();
}
Session::Session(Session &&) noexcept = default;
Session & Session::operator=(Session &&) noexcept = default;
Session::~Session() = default;

const Model & Session::model() const {
    return impl_->model;
}
std::uint32_t Session::context() const {
    return impl_->options.context;
}
const SessionOptions & Session::options() const {
    return impl_->options;
}
std::uint64_t Session::cache_bytes_peak() const {
    return impl_->arena->meter().peak();
}

AppendStats Session::append(Sequence & sequence, std::span<const Token> tokens, const AppendOptions & options,
                            const CallOptions & call) try {
    const Impl::Call under_way(*impl_, call);
    Sequence::Impl & state = Internals::of(sequence);
    impl_->check_belongs(state);
    std::vector<Token> feed;
    if (state.pending) {
        feed.push_back(state.tokens.back());
    }
    feed.insert(feed.end(), tokens.begin(), tokens.end());
    impl_->check_takes(state, tokens, tokens.size());
    AppendStats stats;
    run::MessagePlan plan =
        run::plan_message(*impl_, state, options, static_cast<std::uint32_t>(tokens.size()), stats.turns);
    run::CapturedQueries * captured = plan.queries.count > 0 ? &plan.queries : nullptr;
    run::Appending appending(*impl_, state, std::move(feed), options.scoring, Telling(call));
    const auto begin = Clock::now();
    make_room(state.tokens, tokens.size());
    state.tree.reset();
    try {
        while (!appending.done()) {
            const std::uint32_t count = appending.advance(captured);
            if (plan.observer != nullptr) {
                run::observe_chunk(*impl_, state, plan, count);
            }
            appending.tell();
        }
        if (plan.turns.compress) {
            run::shrink_turns(*impl_, state, plan, stats.turns);
        }
    } catch (const run::Interrupted &) {
        stats.interrupted = true;
        stats.turns.reason = plan.turns.compress ? "interrupted" : stats.turns.reason;
    }
    stats.tokens = appending.fed();
    stats.scores = appending.take_scores();
    stats.ms = milliseconds_since(begin);
    return stats;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

AppendStats Session::step(std::span<Sequence * const> sequences, std::span<const Token> tokens,
                          const CallOptions & call) try {
    const Impl::Call under_way(*impl_, call);
    if (sequences.size() != tokens.size()) {
        raise_usage("a step of {} sequences is given {} tokens", sequences.size(), tokens.size());
    }
    impl_->check_several(sequences);
    const std::vector<Token> copies(tokens.begin(), tokens.end());  // they may be a sequence's own, which grows
    std::vector<run::Feed> feeds;
    for (std::size_t index = 0; index < sequences.size(); ++index) {
        Sequence::Impl & sequence = Internals::of(*sequences[index]);
        feeds.push_back({&sequence, std::span(copies).subspan(index, 1)});
        impl_->check_takes(sequence, feeds.back().tokens, 1);
        check_fed(sequence);
        make_room(sequence.tokens, 1);
    }
    for (const run::Feed & feed : feeds) {
        feed.sequence->tree.reset();
    }
    return timed([&](AppendStats & stats) {
        impl_->step(std::move(feeds), [&](const run::Feed & fed) {
            fed.sequence->tokens.push_back(fed.tokens.front());
            ++stats.tokens;
        });
    });
} catch (const std::bad_alloc &) {
    out_of_memory();
}

AppendStats Session::step_tree(Sequence & sequence, std::span<const Token> tokens,
                               std::span<const std::int32_t> parents, const CallOptions & call) try {
    const Impl::Call under_way(*impl_, call);
    Sequence::Impl & state = Internals::of(sequence);
    impl_->check_belongs(state);
    run::PendingTree pending{{tokens.begin(), tokens.end()}, tree_of(tokens, parents)};
    impl_->check_takes(state, tokens, pending.tree.levels());
    check_fed(state);
    if (state.eviction) {
        raise_field("cache.evict",
                    "tokens are to continue a sequence as a tree, and it evicts with each of them; expected a step for "
                    "each token");
    }
    if (state.rows.tail.most()) {
        raise_field("cache.tail_budget",
                    "tokens are to continue a sequence as a tree, and cache.tail_budget bounds what comes after its "
                    "prompt; expected a step for each token");
    }
    if (impl_->params().attending_layers() < impl_->params().layers && !pending.tree.is_chain()) {
        raise_usage(
            "a tree of {} tokens branches, and the model has recurrent layers, whose state is that after all tokens: "
            "expected is a chain, where each token continues the one before it",
            tokens.size());
    }
    return timed([&](AppendStats & stats) {
        impl_->stepper.tree(state, std::move(pending), run::Compute::Phase::Decode);
        stats.tokens = tokens.size();
    });
} catch (const std::bad_alloc &) {
    out_of_memory();
}

AppendStats Session::keep_path(Sequence & sequence, std::size_t token, const CallOptions & call) try {
    const Impl::Call under_way(*impl_, call);
    Sequence::Impl & state = Internals::of(sequence);
    impl_->check_belongs(state);
    state.check_tree(token);
    const auto index = static_cast<std::uint32_t>(token);
    const std::vector<Token> path = state.tree->path_to(index);
    make_room(state.tokens, path.size());
    return timed([&](AppendStats & stats) {
        impl_->stepper.keep(state, index, run::Compute::Phase::Decode);
        state.tokens.insert(state.tokens.end(), path.begin(), path.end());
        stats.tokens = path.size();
    });
} catch (const std::bad_alloc &) {
    out_of_memory();
}

std::uint32_t Session::held_tokens(std::span<const Branch> branches, const Document & document) const try {
    return impl_->plan(branches, {.document = document}).held;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

std::vector<Token> Session::turn_tokens(const Sequence & sequence, std::string_view message, bool raw,
                                        bool parse_special, const CallOptions & call) const try {
    impl_->check_belongs(Internals::of(sequence));
    const Model::Impl & model = *Internals::of(impl_->model);
    const text::Vocabulary vocabulary = model.vocabulary.obeying(call);
    if (raw) {
        text::require_utf8(message, "message");
        return text::continue_text(vocabulary, message, parse_special);
    }
    const std::vector<Token> & tokens = Internals::of(sequence).tokens;
    const bool ended = !tokens.empty() && model.vocabulary.is_end_of_generation(tokens.back());
    return text::turn_tokens(vocabulary, model.chat.with(vocabulary), message, ended);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

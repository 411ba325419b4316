#include <chrono>
#include <filesystem>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "base/telling.h"
#include "run/accounting.h"
#include "run/begin_evicting.h"
#include "run/cache_stats.h"
#include "run/document_file.h"
#include "run/logits.h"
#include "run/saved_fields.h"
#include "run/saved_file.h"
#include "run/saved_reader.h"
#include "run/saved_writer.h"
#include "run/sequence_impl.h"
#include "run/session_impl.h"
#include "run/text_marks.h"

namespace snapkv {

struct PrefillTask::Impl {
    Impl(Session::Impl & of, std::span<const Branch> asked, const PrefillOptions & options);

    Session::Impl & session;
    std::vector<Branch> branches;
    run::RunMemory memory;
    run::PrefillPlan plan;                         ///< refers to the branches
    run::ReservedMemory reserved;                  ///< for as long as there are units to compute
    std::shared_ptr<run::HeldRows> in_memory;      ///< where rows are held, or
    std::shared_ptr<run::DocumentWriter> in_file;  ///< where they go; both null: nowhere
    std::string hold_error;                        ///< what opening the complete file threw
    std::optional<Document> document;
    std::vector<std::vector<float>> logits;        ///< of each branch's last token
    std::vector<std::vector<ScoredToken>> scores;  ///< of each branch
    run::Accounting accounting;
    std::unique_ptr<run::Prefill> prefill;
    double milliseconds = 0;  ///< spent in units
    bool interrupted = false;
    bool over = false;  ///< taken, or ended by an error: nothing can be done with it

    void check_not_over() const {
        if (over) {
            raise_usage("the prefill has ended: its outcome was taken, or an error was thrown");
        }
    }
    /// Logits of a branch's positions from `first` on, [row][vocabulary]: they score the token behind each, and those
    /// of the last are the sequence's.
    void take_logits(std::size_t branch, std::uint32_t first, std::span<const float> of_rows);
    /// Where the rows go that are to be held; null: nowhere.
    std::shared_ptr<run::RowSink> make_sink(const std::filesystem::path & path);
    /// Notes what the last unit took at most.
    void account() {
        accounting.sample(session.memory->peak() + prefill->compute_bytes());
        session.memory->restart_peak();
        reserved.take_buffers(prefill->compute_bytes());
        if (interrupted || prefill->done()) {
            reserved.release();
        }
    }
    /// The document's file, once it is complete.
    void open_committed() {
        if (in_file && in_file->committed() && !document && hold_error.empty()) {
            try {
                document = session.load_document(in_file->path());
            } catch (const Error & error) {
                hold_error = error.what();
            }
        }
    }
    /// What a prefill that goes on from a file must have in common with the one that wrote it.
    [[nodiscard]] std::vector<std::byte> terms() const;
    /// Goes on from a file.
    void restore(const std::filesystem::path & path, const CallOptions & call);
    /// What is left of a branch.
    [[nodiscard]] Sequence sequence(std::size_t branch, run::PrefilledBranch done);
};

namespace {

using Clock = std::chrono::steady_clock;

/// What the plan needs of the texts.
void mark_texts(run::PrefillPlan & plan, const text::Vocabulary & vocabulary) {
    for (run::BranchPlan & branch : plan.branches) {
        if (branch.cache.compress && branch.cache.cluster.reads_text()) {
            branch.marks = run::text_marks(vocabulary, branch.branch->prompt.tokens);
        }
    }
}

}  // namespace

PrefillTask::Impl::Impl(Session::Impl & of, std::span<const Branch> asked, const PrefillOptions & options)
    : session(of),
      branches(asked.begin(), asked.end()),
      memory(*session.arena, session.work),
      plan(session.plan(branches, options)),
      reserved(session, plan, memory.taken),
      logits(branches.size()),
      scores(branches.size()) {
    mark_texts(plan, Internals::of(session.model)->vocabulary);
    run::PrefillEnvironment environment = session.environment(memory, session.prefill_allocator);
    environment.source = options.document ? Internals::of(*options.document).rows : nullptr;
    environment.sink = make_sink(options.hold_file);
    prefill = reserved.build(
        environment, [this](std::size_t branch, std::uint32_t first, std::uint32_t rows, const float * of_rows) {
            take_logits(branch, first, {of_rows, std::size_t{rows} * session.params().vocabulary});
        });
    session.log_products();
    session.arena->meter().restart_peak();  // the run's begins here
    session.memory->restart_peak();
    if (in_memory) {
        document = Internals::make(
            std::make_shared<const Document::Impl>(Document::Impl{Internals::of(session.model), in_memory}));
    } else if (options.hold > 0 && !in_file) {
        document = options.document;  // which holds as many
    }
}

std::shared_ptr<run::RowSink> PrefillTask::Impl::make_sink(const std::filesystem::path & path) {
    if (plan.hold == 0) {
        return nullptr;
    }
    const std::vector<Token> & prompt = plan.branches.front().branch->prompt.tokens;
    std::vector<Token> tokens(prompt.begin(), prompt.begin() + plan.hold);
    if (path.empty()) {
        in_memory = std::make_shared<run::HeldRows>(std::move(tokens), plan.type, session.params().layers);
        return in_memory;
    }
    in_file = std::make_shared<run::DocumentWriter>(path, session.saved_model(), session.params(), std::move(tokens),
                                                    plan.type);
    return in_file;
}

void PrefillTask::Impl::take_logits(std::size_t branch, std::uint32_t first, std::span<const float> of_rows) {
    const Branch & of = branches[branch];
    for (std::uint32_t next = first + 1; !of_rows.empty(); ++next) {
        const std::span<const float> row = of_rows.first(session.params().vocabulary);
        of_rows = of_rows.subspan(row.size());
        run::check_logits(row);
        if (next < of.prompt.tokens.size()) {
            scores[branch].push_back(run::score(row, of.prompt.tokens[next], of.scoring.top));
        } else {
            logits[branch].assign(row.begin(), row.end());
        }
    }
}

Sequence PrefillTask::Impl::sequence(std::size_t branch, run::PrefilledBranch done) {
    done.state.set_arena(*session.arena);
    const run::BranchPlan & of = plan.branches[branch];
    auto sequence = std::make_unique<Sequence::Impl>(
        Sequence::Impl{.model = Internals::of(session.model),
                       .arena = session.arena,
                       .tokens = of.branch->prompt.tokens,
                       .prompt_tokens = of.n,
                       .stats = run::cache_stats(of, session.params(), done.segments),
                       .rows = {std::move(done.segments), session.tail(of.branch->cache, Position{of.n})},
                       .state = std::move(done.state),
                       .logits = std::move(logits[branch])});
    if (of.cache.evicts) {
        run::begin_evicting(*sequence, session.params(), done.carried);
    }
    return Internals::make(std::move(sequence));
}

std::vector<std::byte> PrefillTask::Impl::terms() const {
    std::vector<std::byte> bytes;
    const run::ByteSink sink = [&](std::span<const std::byte> piece) {
        bytes.insert(bytes.end(), piece.begin(), piece.end());
    };
    run::SavedWriter out(sink);
    out.number("trunk", plan.trunk);
    out.number("held tokens", plan.held);
    out.number("tokens to hold", plan.hold);
    out.choice("type", plan.type, kv_type_names);
    for (const run::BranchPlan & branch : plan.branches) {
        const CacheStats asked = run::cache_stats(branch, session.params(), {});
        run::stats_fields(out, asked);
        out.number("tokens", branch.n);
        out.array(std::span<const Token>(branch.branch->prompt.tokens));
    }
    return bytes;
}

void PrefillTask::Impl::restore(const std::filesystem::path & path, const CallOptions & call) {
    const run::SavedFile file(path, run::kPausedPrefill, Stop().with(call));
    const run::ByteSource contents = file.contents();
    const run::ByteSource told = Session::Impl::told(contents, call, "a paused prefill is read");
    const std::string name = path.string();
    run::SavedReader in(told, name);
    static_cast<void>(run::read_model(in, session.saved_model()));
    const std::vector<std::byte> here = terms();
    std::uint64_t size = 0;
    in.number("size of its terms", size);
    if (size != here.size() || in.array<std::byte>("its terms", size) != here) {
        raise_input("{}: it was paused with other prompts, cache configurations or documents than are given now", name);
    }
    in.number("milliseconds", milliseconds);
    prefill->restore(in);
    in.expect_end();
    if (in_file && in_file->given() != prefill->layer()) {
        in_file->give_up("its rows could not be written before the prefill was paused");
    }
    open_committed();
}

PrefillTask::PrefillTask(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PrefillTask::PrefillTask(PrefillTask &&) noexcept = default;
PrefillTask & PrefillTask::operator=(PrefillTask &&) noexcept = default;
PrefillTask::~PrefillTask() = default;

bool PrefillTask::ready() const {
    return done() || impl_->prefill->ready();
}

const std::optional<Document> & PrefillTask::document() const {
    return impl_->document;
}

std::string PrefillTask::document_error() const {
    return impl_->in_file && !impl_->in_file->error().empty() ? impl_->in_file->error() : impl_->hold_error;
}

bool PrefillTask::advance(const CallOptions & call) try {
    impl_->check_not_over();
    if (done()) {
        return false;
    }
    if (!ready()) {
        raise_usage("the prefill's document has {} layers, and the next is not there yet", impl_->prefill->layer());
    }
    const Session::Impl::Call under_way(impl_->session, call);
    const auto begin = Clock::now();
    impl_->over = true;
    try {
        impl_->prefill->advance();
    } catch (const run::Interrupted &) {
        impl_->interrupted = true;
    } catch (...) {
        impl_->reserved.release();
        throw;
    }
    impl_->over = false;
    impl_->milliseconds += std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
    impl_->account();
    impl_->open_committed();
    if (call.progress && !impl_->interrupted) {
        call.progress(progress());
    }
    return !impl_->interrupted;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

Estimate PrefillTask::estimate(std::int64_t max_tokens, const CallOptions & call) const try {
    const Session::Impl::Call under_way(impl_->session, call);
    return run::estimate_of(impl_->session, impl_->plan, impl_->reserved.bytes(), impl_->reserved.available(),
                            max_tokens);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

bool PrefillTask::between_layers() const {
    return !impl_->interrupted && impl_->prefill->between_layers();
}

bool PrefillTask::save(const std::filesystem::path & path, const CallOptions & call) const try {
    impl_->check_not_over();
    if (!between_layers()) {
        raise_usage("a prefill is to be saved that is not between two layers");
    }
    const run::SavedModel model = impl_->session.saved_model();
    const std::vector<std::byte> terms = impl_->terms();
    return run::write_saved_file(
        path,
        [&](const run::ByteSink & sink) {
            run::SavedWriter out(sink);
            run::write_model(out, model, model.shapes);
            out.number("size of its terms", std::uint64_t{terms.size()});
            out.array(std::span<const std::byte>(terms));
            out.number("milliseconds", impl_->milliseconds);
            impl_->prefill->save(out);
        },
        impl_->session.stop.with(call), Telling(call), run::kPausedPrefill);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

bool PrefillTask::done() const {
    return impl_->interrupted || impl_->prefill->done();
}

CallProgress PrefillTask::progress() const {
    CallProgress progress;
    progress.layers = impl_->session.params().layers;
    progress.layer = impl_->prefill->layer();
    progress.tokens = impl_->plan.computed();
    progress.total = progress.tokens * progress.layers;
    progress.done = impl_->prefill->units();
    progress.seconds = impl_->milliseconds / 1000;
    if (progress.done > 0) {
        const auto left = static_cast<double>(progress.total - progress.done);
        progress.seconds_left = progress.seconds * left / static_cast<double>(progress.done);
    }
    return progress;
}

void PrefillTask::drop(std::size_t branch) try {
    impl_->check_not_over();
    if (branch >= impl_->branches.size()) {
        raise_usage("branch {} is to be dropped of {}", branch, impl_->branches.size());
    }
    impl_->prefill->drop(branch);
    if (impl_->prefill->done()) {
        impl_->reserved.release();
    }
} catch (const std::bad_alloc &) {
    out_of_memory();
}

PrefillResult PrefillTask::take() try {
    impl_->check_not_over();
    if (!done()) {
        raise_usage("a prefill's outcome is asked for before it is done");
    }
    impl_->over = true;
    Session::Impl & session = impl_->session;
    PrefillResult result;
    result.stats.trunk_tokens = impl_->plan.trunk;
    result.stats.held_tokens = impl_->plan.held;
    result.stats.computed_tokens = impl_->prefill->units() / session.params().layers;
    result.stats.interrupted = impl_->interrupted;
    result.stats.branch_compress_ms.resize(impl_->interrupted ? 0 : impl_->branches.size());
    if (!impl_->interrupted) {
        std::vector<run::PrefilledBranch> done = impl_->prefill->take();
        for (std::size_t index = 0; index < done.size(); ++index) {
            if (!impl_->prefill->dropped(index)) {
                result.stats.branch_compress_ms[index] = done[index].compress_ms;
                result.stats.compress_ms += done[index].compress_ms;
                result.sequences.push_back(impl_->sequence(index, std::move(done[index])));
                result.scores.push_back(std::move(impl_->scores[index]));
            }
        }
    }
    result.stats.prompt_ms = impl_->milliseconds;
    result.stats.cache_bytes_peak = session.arena->meter().peak();
    result.stats.accounted_bytes_peak = impl_->accounting.accounted_peak();
    result.stats.rss_anon_growth = impl_->accounting.growth_peak();
    return result;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

PrefillTask Session::begin_prefill(std::span<const Branch> branches, const PrefillOptions & options) try {
    return PrefillTask(std::make_unique<PrefillTask::Impl>(*impl_, branches, options));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

PrefillTask Session::resume_prefill(std::span<const Branch> branches, const PrefillOptions & options,
                                    const std::filesystem::path & path, const CallOptions & call) try {
    auto task = std::make_unique<PrefillTask::Impl>(*impl_, branches, options);
    task->restore(path, call);
    return PrefillTask(std::move(task));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

PrefillResult Session::prefill(std::span<const Branch> branches, const PrefillOptions & options,
                               const CallOptions & call) {
    if (options.document && !options.document->complete()) {
        raise_usage("a prefill is to use a document that has {} layers of {}", options.document->layers(),
                    impl_->params().layers);
    }
    PrefillTask task = begin_prefill(branches, options);
    while (task.advance(call)) {
    }
    return task.take();
}

}  // namespace snapkv

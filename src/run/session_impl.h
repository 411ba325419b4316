#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kv/arena.h"
#include "run/compute.h"
#include "run/document_impl.h"
#include "run/estimate.h"
#include "run/layer_shape.h"
#include "run/model_impl.h"
#include "run/prefill.h"
#include "run/saved_codec.h"
#include "run/sequence_impl.h"
#include "run/stepper.h"
#include "snapkv/session.h"

namespace snapkv {

namespace run {

/// Where a run's memory comes from: counted by its session and for itself.
struct RunMemory {
    explicit RunMemory(kv::Arena & of_session, const std::shared_ptr<Meter> & work_of_session)
        : arena(std::make_unique<kv::Arena>(std::vector{taken, of_session.shared_meter()})),
          work(std::make_shared<Meter>(std::vector{taken, work_of_session})) {}

    std::shared_ptr<Meter> taken = std::make_shared<Meter>();
    std::unique_ptr<kv::Arena> arena;
    std::shared_ptr<Meter> work;
};

}  // namespace run

/// What a session holds between calls. The model outlives everything that refers to its weights.
struct Session::Impl {
    Impl(Model loaded, const SessionOptions & asked);

    Model model;
    SessionOptions options;  ///< settled: no zeros left
    Stop stop{options.stop};
    std::shared_ptr<Meter> memory = std::make_shared<Meter>();  ///< of `arena` and `work` together
    std::shared_ptr<kv::Arena> arena = std::make_shared<kv::Arena>(std::vector{memory});
    std::shared_ptr<Meter> work = std::make_shared<Meter>(std::vector{memory});
    run::Compute compute;
    run::Allocator prefill_allocator;
    run::Stepper stepper;
    bool products_logged = false;
    std::optional<run::Speed> speed;  ///< measured once, when an estimate is first asked for

    /// A call under way: what ends it beside the session's flag, until it is over.
    class Call {
    public:
        Call(Impl & session, const CallOptions & call) : session_(session) {
            session.compute.obey(session.stop.with(call));
        }
        Call(const Call &) = delete;
        Call & operator=(const Call &) = delete;
        ~Call() { session_.compute.obey(session_.stop); }

    private:
        Impl & session_;
    };

    [[nodiscard]] const model::HyperParameters & params() const { return Internals::of(model)->params; }
    [[nodiscard]] run::PrefillEnvironment environment(const run::RunMemory & of_run, run::Allocator & allocator);
    /// Throws as plan_prefill() does, and Error(Usage) for a document of another model.
    [[nodiscard]] run::PrefillPlan plan(std::span<const Branch> branches, const PrefillOptions & prefill) const;
    /// Tells the log which path the products of its prefills take: once.
    void log_products();
    /// Throws Error(Usage) for a sequence of another model.
    void check_belongs(const Sequence::Impl & sequence) const;
    /// The same for a document.
    void check_belongs(const Document::Impl & document) const;
    /// Throws Error(Input) for a token out of range, or where the context does not take `more` of them.
    void check_takes(const Sequence::Impl & sequence, std::span<const Token> tokens, std::size_t more) const;
    /// As check_belongs() for several that are to go on at once; throws too where one is named twice.
    void check_several(std::span<Sequence * const> sequences) const;
    /// Steps of decode, those sequences together whose rows are stored alike; `stepped` is called for each once it has
    /// its row and logits. Throws Interrupted, some then without.
    void step(std::vector<run::Feed> feeds, const std::function<void(const run::Feed &)> & stepped);
    /// What files say of the model.
    [[nodiscard]] run::SavedModel saved_model() const;
    /// The same contents for one call, which is told how much was read and may be stopped by its own reasons; all that
    /// is given must outlive it.
    [[nodiscard]] static run::ByteSource told(const run::ByteSource & contents, const CallOptions & call,
                                              const char * doing);
    /// The sequence that was saved as `contents`; `name` begins the messages of errors.
    [[nodiscard]] Sequence load(const run::ByteSource & contents, const std::string & name, const CallOptions & call);
    /// Throws Error(Input) for what is no document of this model.
    [[nodiscard]] Document load_document(const std::filesystem::path & path) const;
    /// For further rows of a sequence, from position `first` on.
    [[nodiscard]] kv::Tail tail(const CacheConfig & cache, Position first) const {
        kv::Tail tail(*arena, shapes(cache), first, windows());
        if (cache.tail_budget) {
            tail.bound(*cache.tail_budget);
        }
        return tail;
    }
    /// Of each layer, 0 where it does not slide.
    [[nodiscard]] std::vector<std::uint32_t> windows() const {
        std::vector<std::uint32_t> windows;
        for (std::uint32_t layer = 0; layer < params().layers; ++layer) {
            windows.push_back(params().window_of(layer));
        }
        return windows;
    }
    [[nodiscard]] std::vector<kv::LayerShape> shapes(const CacheConfig & cache) const {
        std::vector<kv::LayerShape> shapes;
        for (std::uint32_t layer = 0; layer < params().layers; ++layer) {
            shapes.push_back(run::layer_shape(params(), layer, cache.type, cache.rotate));
        }
        return shapes;
    }
};

}  // namespace snapkv

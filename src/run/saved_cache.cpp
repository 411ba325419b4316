#include <memory>
#include <new>
#include <span>
#include <string>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "base/reservation.h"
#include "base/stop.h"
#include "base/telling.h"
#include "run/document_file.h"
#include "run/saved_codec.h"
#include "run/saved_file.h"
#include "run/sequence_impl.h"
#include "run/session_impl.h"

namespace snapkv {

run::SavedModel Session::Impl::saved_model() const {
    return {.identity = Internals::of(model)->identity(),
            .rope = params().rope,
            .shapes = shapes(CacheConfig{}),
            .state_floats = run::state_floats(params()),
            .vocabulary = params().vocabulary,
            .heads = params().heads,
            .windows = windows()};
}

Document Session::Impl::load_document(const std::filesystem::path & path) const {
    return Internals::make(std::make_shared<const Document::Impl>(
        Document::Impl{Internals::of(model), std::make_shared<run::DocumentFile>(path, saved_model(), params())}));
}

namespace {

void check_saved(const Session::Impl & session, const Sequence::Impl & sequence) {
    session.check_belongs(sequence);
    if (sequence.prompt_tokens == 0) {
        raise_usage("a sequence without a prompt is to be saved: files tell where the prompt ends");
    }
}

}  // namespace

bool Session::save(const Sequence & sequence, const std::filesystem::path & path, const CallOptions & call) const try {
    check_saved(*impl_, Internals::of(sequence));
    const run::SavedModel model = impl_->saved_model();
    return run::write_saved_file(
        path, [&](const run::ByteSink & sink) { run::encode_sequence(model, Internals::of(sequence), sink); },
        impl_->stop.with(call), Telling(call));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

bool Session::save(const Sequence & sequence, std::ostream & to, const CallOptions & call) const try {
    check_saved(*impl_, Internals::of(sequence));
    const run::SavedModel model = impl_->saved_model();
    return run::write_saved_stream(
        to, [&](const run::ByteSink & sink) { run::encode_sequence(model, Internals::of(sequence), sink); },
        impl_->stop.with(call), Telling(call));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

run::ByteSource Session::Impl::told(const run::ByteSource & contents, const CallOptions & call, const char * doing) {
    return {contents.size, [&contents, doing, stop = Stop().with(call), tell = Telling(call),
                            bytes = std::uint64_t{0}](std::span<std::byte> to) mutable {
                if (stop.requested()) {
                    raise_interrupted("interrupted while {}", doing);
                }
                contents.read(to);
                tell(bytes += to.size(), contents.size);
            }};
}

Sequence Session::Impl::load(const run::ByteSource & contents, const std::string & name, const CallOptions & call) {
    std::uint64_t unreserved = 0;
    const auto reserved = Reservation::take(contents.size, arena->shared_meter(), unreserved);
    if (!reserved) {
        raise_machine("{}: takes {} MiB of memory, {} MiB are available", name, contents.size >> 20U,
                      unreserved >> 20U);
    }
    auto sequence = std::make_unique<Sequence::Impl>(run::decode_sequence(
        told(contents, call, "a saved cache is loaded"), saved_model(), options.context, arena, name));
    sequence->model = Internals::of(model);
    return Internals::make(std::move(sequence));
}

Sequence Session::load(const std::filesystem::path & path, const CallOptions & call) const try {
    const run::SavedFile file(path, run::kSavedCache, Stop().with(call));
    return impl_->load(file.contents(), path.string(), call);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

Sequence Session::load(std::istream & from, std::string_view name, const CallOptions & call) const try {
    const run::SavedStream stream(from, name);
    return impl_->load(stream.contents(), std::string(name), call);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

bool Session::save_document(const Document & document, const std::filesystem::path & path,
                            const CallOptions & call) const try {
    const run::RowSource & rows = *Internals::of(document).rows;
    impl_->check_belongs(Internals::of(document));
    if (!document.complete()) {
        raise_usage("a document is to be saved that has {} layers of {}", document.layers(), impl_->params().layers);
    }
    const Stop to_end = impl_->stop.from_now_on().with(call);
    const Telling tell(call);
    const std::span<const Token> tokens = rows.tokens();
    run::DocumentWriter writer(path, impl_->saved_model(), impl_->params(), {tokens.begin(), tokens.end()}, rows.type(),
                               to_end);
    kv::Arena arena;
    for (std::uint32_t layer = 0; writer.open(); ++layer) {
        if (to_end.requested()) {
            return false;
        }
        writer.add_layer(rows.layer(layer, arena));
        tell(layer + 1, impl_->params().layers);
    }
    if (!writer.committed()) {
        raise_machine("{}", writer.error());
    }
    return true;
} catch (const WholeFile::Stopped &) {
    return false;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

Document Session::load_document(const std::filesystem::path & path) const try {
    return impl_->load_document(path);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

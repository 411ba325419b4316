#include <memory>
#include <new>
#include <span>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "base/reservation.h"
#include "run/document_file.h"
#include "run/saved_codec.h"
#include "run/saved_file.h"
#include "run/sequence_impl.h"
#include "run/session_impl.h"

namespace snapkv {

run::SavedModel Session::Impl::saved_model() const {
    return {.identity = model.impl()->identity(),
            .rope = params().rope,
            .shapes = shapes(CacheConfig{}),
            .state_floats = run::state_floats(params()),
            .vocabulary = params().vocabulary,
            .windows = windows()};
}

Document Session::Impl::load_document(const std::filesystem::path & path) const {
    return Document(std::make_shared<Document::Impl>(
        Document::Impl{model.impl(), std::make_shared<run::DocumentFile>(path, saved_model(), params())}));
}

bool Session::save(const Sequence & sequence, const std::filesystem::path & path) const try {
    impl_->check_belongs(sequence.impl());
    const run::SavedModel model = impl_->saved_model();
    return run::write_saved_file(
        path, [&](const run::ByteSink & sink) { run::encode_sequence(model, sequence.impl(), sink); },
        impl_->options.stop);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

Sequence Session::load(const std::filesystem::path & path) const try {
    const run::SavedFile file(path);
    const run::ByteSource contents = file.contents();
    std::uint64_t unreserved = 0;
    const auto reserved = Reservation::take(contents.size, impl_->arena->shared_meter(), unreserved);
    if (!reserved) {
        raise_machine("{}: takes {} MiB of memory, {} MiB are available", path.string(), contents.size >> 20U,
                      unreserved >> 20U);
    }
    auto sequence = std::make_unique<Sequence::Impl>(
        run::decode_sequence(contents, impl_->saved_model(), impl_->options.context, impl_->arena, path.string()));
    sequence->model = impl_->model.impl();
    return Sequence(std::move(sequence));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

void Session::save_document(const Document & document, const std::filesystem::path & path) const try {
    const run::RowSource & rows = *document.impl().rows;
    impl_->check_belongs(document.impl());
    if (!document.complete()) {
        raise_usage("a document is to be saved that has {} layers of {}", document.layers(), impl_->params().layers);
    }
    const std::span<const Token> tokens = rows.tokens();
    run::DocumentWriter writer(path, impl_->saved_model(), impl_->params(), {tokens.begin(), tokens.end()},
                               rows.type());
    kv::Arena arena;
    for (std::uint32_t layer = 0; writer.open(); ++layer) {
        writer.add_layer(rows.layer(layer, arena));
    }
    if (!writer.committed()) {
        raise_machine("{}", writer.error());
    }
} catch (const std::bad_alloc &) {
    out_of_memory();
}

Document Session::load_document(const std::filesystem::path & path) const try {
    return impl_->load_document(path);
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

#include <new>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "base/reservation.h"
#include "run/saved_codec.h"
#include "run/saved_file.h"
#include "run/sequence_impl.h"
#include "run/session_impl.h"

namespace snapkv {

namespace {

run::SavedModel saved_model(const Session::Impl & session) {
    return {.identity = session.model.impl()->identity(),
            .rope = session.params().rope,
            .shapes = session.shapes(CacheConfig{}),
            .state_floats = run::state_floats(session.params()),
            .vocabulary = session.params().vocabulary};
}

}  // namespace

bool Session::save(const Sequence & sequence, const std::filesystem::path & path) const try {
    impl_->check_belongs(sequence.impl());
    const run::SavedModel model = saved_model(*impl_);
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
        run::decode_sequence(contents, saved_model(*impl_), impl_->options.context, impl_->arena, path.string()));
    sequence->model = impl_->model.impl();
    return Sequence(std::move(sequence));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

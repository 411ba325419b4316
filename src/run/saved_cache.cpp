#include "base/raise.h"
#include "base/resident.h"
#include "gguf/file.h"
#include "run/saved_codec.h"
#include "run/saved_file.h"
#include "run/sequence_impl.h"
#include "run/session_impl.h"

namespace snapkv {

namespace {

run::SavedModel saved_model(const Session::Impl & session) {
    return {.identity = gguf::identity(session.model.impl()->file),
            .rope = session.params().rope,
            .shapes = session.shapes(CacheConfig{}),
            .state_floats = run::state_floats(session.params()),
            .vocabulary = session.params().vocabulary};
}

}  // namespace

bool Session::save(const Sequence & sequence, const std::filesystem::path & path) const {
    impl_->check_belongs(sequence.impl());
    const run::SavedModel model = saved_model(*impl_);
    return run::write_saved_file(
        path, [&](const run::ByteSink & sink) { run::encode_sequence(model, sequence.impl(), sink); },
        impl_->options.stop);
}

Sequence Session::load(const std::filesystem::path & path) const {
    const run::SavedFile file(path);
    const std::uint64_t available = available_memory();
    if (file.contents().size() > available) {
        raise_machine("{}: takes {} MiB of memory, {} MiB can be had", path.string(), file.contents().size() >> 20U,
                      available >> 20U);
    }
    return Sequence(std::make_unique<Sequence::Impl>(run::decode_sequence(
        file.contents(), saved_model(*impl_), impl_->options.context, impl_->arena, path.string())));
}

}  // namespace snapkv

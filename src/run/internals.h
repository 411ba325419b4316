#pragma once

#include <memory>

#include "snapkv/document.h"
#include "snapkv/model.h"
#include "snapkv/sequence.h"

namespace snapkv {

/// The way into the public classes, for the library itself.
struct Internals {
    [[nodiscard]] static const std::shared_ptr<const Model::Impl> & of(const Model & model) { return model.impl_; }
    [[nodiscard]] static Sequence::Impl & of(Sequence & sequence) { return *sequence.impl_; }
    [[nodiscard]] static const Sequence::Impl & of(const Sequence & sequence) { return *sequence.impl_; }
    [[nodiscard]] static const Document::Impl & of(const Document & document) { return *document.impl_; }

    [[nodiscard]] static Sequence make(std::unique_ptr<Sequence::Impl> impl);
    [[nodiscard]] static Document make(std::shared_ptr<const Document::Impl> impl);
};

}  // namespace snapkv

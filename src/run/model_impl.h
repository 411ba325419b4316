#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>

#include "gguf/file.h"
#include "model/decoder.h"
#include "model/hyper_parameters.h"
#include "model/weights.h"
#include "run/internals.h"
#include "snapkv/model.h"
#include "text/prompt.h"
#include "text/vocabulary.h"

namespace snapkv {

/// A loaded model: the mapping, what was read from it, and the layers over its weights. Immutable.
struct Model::Impl {
    gguf::File file;
    model::HyperParameters params;
    model::Weights weights;  ///< refers to `file`
    model::Decoder decoder;
    std::uint64_t vocabulary_bytes = 0;  ///< that libllama allocated for the vocabulary
    text::Vocabulary vocabulary;
    text::ChatTemplate chat;
    ModelInfo info;

    Impl(gguf::File opened, const ModelOptions & options, const CallOptions & call);

    /// Memory that is held beside the mapping: the vocabulary, and weights that are copies.
    [[nodiscard]] std::uint64_t held_bytes() const { return vocabulary_bytes + weights.repacked_bytes(); }

    /// gguf::identity(file), computed when first asked for.
    [[nodiscard]] const std::array<std::uint8_t, 32> & identity() const;
    /// Do rows computed by the other mean the same here: the same file, perhaps loaded twice, and the same rotation?
    [[nodiscard]] bool is_same_as(const Impl & other) const;

private:
    mutable std::once_flag identified_;
    mutable std::array<std::uint8_t, 32> identity_{};
};

}  // namespace snapkv

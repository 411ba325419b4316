#pragma once

#include <memory>

#include "gguf/file.h"
#include "model/architecture.h"
#include "model/hyper_parameters.h"
#include "model/weights.h"
#include "snapkv/model.h"
#include "text/prompt.h"
#include "text/vocabulary.h"

namespace snapkv {

/// A loaded model: the mapping, what was read from it, and the layers over its weights. Immutable.
struct Model::Impl {
    gguf::File file;
    model::HyperParameters params;
    model::Weights weights;  ///< refers to `file`
    std::unique_ptr<model::Architecture> architecture;
    text::Vocabulary vocabulary;
    text::ChatTemplate chat;
    ModelInfo info;

    Impl(gguf::File opened, const ModelOptions & options);
};

}  // namespace snapkv

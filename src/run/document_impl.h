#pragma once

#include <memory>

#include "run/internals.h"
#include "run/model_impl.h"
#include "run/row_source.h"
#include "snapkv/document.h"

namespace snapkv {

struct Document::Impl {
    std::shared_ptr<const Model::Impl> model;  ///< whose rows these are
    std::shared_ptr<const run::RowSource> rows;
};

}  // namespace snapkv

#include "snapkv/document.h"

#include <utility>

#include "run/document_impl.h"

namespace snapkv {

Document::Document(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Document Internals::make(std::shared_ptr<const Document::Impl> impl) {
    return Document(std::move(impl));
}

std::span<const Token> Document::tokens() const {
    return impl_->rows->tokens();
}
KvType Document::type() const {
    return impl_->rows->type();
}
std::uint32_t Document::layers() const {
    return impl_->rows->layers();
}
bool Document::complete() const {
    return layers() == impl_->model->params.layers;
}

}  // namespace snapkv

#include "snapkv/sequence.h"

#include <new>

#include "base/out_of_memory.h"
#include "run/sequence_impl.h"

namespace snapkv {

Sequence::Sequence(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sequence::Sequence(Sequence &&) noexcept = default;
Sequence & Sequence::operator=(Sequence &&) noexcept = default;
Sequence::~Sequence() = default;

Sequence Sequence::fork() const try {
    return Sequence(std::make_unique<Impl>(Impl{impl_->model, impl_->arena, impl_->tokens, impl_->prompt_tokens,
                                                impl_->stats, impl_->segments, impl_->tail.copy(), impl_->state.copy(),
                                                impl_->logits, impl_->pending}));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

std::span<const Token> Sequence::tokens() const {
    return impl_->tokens;
}
std::size_t Sequence::prompt_tokens() const {
    return impl_->prompt_tokens;
}
const CacheStats & Sequence::cache_stats() const {
    return impl_->stats;
}
std::span<const float> Sequence::logits() const {
    return impl_->logits;
}

KeptPositions Sequence::kept_positions() const try {
    KeptPositions kept;
    const std::vector<kv::LayerShape> & shapes = impl_->tail.shapes();
    for (std::uint32_t layer = 0; layer < shapes.size(); ++layer) {
        auto & heads = kept.emplace_back(shapes[layer].kv_heads);
        for (const auto & segment : impl_->segments) {
            for (std::uint32_t head = 0; head < shapes[layer].kv_heads; ++head) {
                const kv::HeadRows rows = segment->layer(layer).head(head);
                for (std::uint32_t row = 0; row < rows.rows; ++row) {
                    heads[head].push_back(index_of(rows.position(row)));
                }
            }
        }
        for (auto & head : heads) {
            for (std::uint32_t row = 0; row < impl_->tail.rows(); ++row) {
                head.push_back(index_of(impl_->tail.first() + row));
            }
        }
    }
    return kept;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

#include "snapkv/sequence.h"

#include <algorithm>
#include <new>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "run/sequence_impl.h"

namespace snapkv {

void Sequence::Impl::check_tree(std::size_t token) const {
    if (!tree || token >= tree->tokens.size()) {
        raise_usage("token {} of the tree behind a sequence is asked for; it has {}", token,
                    tree ? tree->tokens.size() : 0);
    }
}

Sequence::Sequence(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Sequence Internals::make(std::unique_ptr<Sequence::Impl> impl) {
    return Sequence(std::move(impl));
}

Sequence::Sequence(Sequence &&) noexcept = default;
Sequence & Sequence::operator=(Sequence &&) noexcept = default;
Sequence::~Sequence() = default;

Sequence Sequence::fork() const try {
    return Sequence(std::make_unique<Impl>(
        Impl{impl_->model, impl_->arena, impl_->tokens, impl_->prompt_tokens, impl_->stats, impl_->rows.copy(),
             impl_->state.copy(), impl_->logits, impl_->prompt_logits, impl_->pending,
             impl_->eviction ? std::optional(impl_->eviction->copy(*impl_->arena)) : std::nullopt}));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

void Sequence::truncate(std::size_t tokens) try {
    if (tokens < impl_->prompt_tokens || tokens > impl_->tokens.size()) {
        raise_usage("a sequence of {} tokens, {} of them its prompt, is to be cut to {}", impl_->tokens.size(),
                    impl_->prompt_tokens, tokens);
    }
    if (tokens == impl_->tokens.size()) {
        return;
    }
    if (impl_->eviction) {
        raise_usage("a sequence that evicts while it generates cannot be cut: the rows that went are gone");
    }
    const std::vector<kv::LayerShape> & shapes = impl_->rows.tail.shapes();
    if (std::any_of(shapes.begin(), shapes.end(), [](const kv::LayerShape & shape) { return shape.kv_heads == 0; })) {
        raise_usage("a sequence with recurrent layers cannot be cut: their state is that after all of its tokens");
    }
    // The last token that stays is fed again for its logits; those after the prompt are at hand.
    const std::size_t before_tail = index_of(impl_->rows.tail.first());
    const bool to_prompt = tokens == impl_->prompt_tokens && tokens == before_tail;
    if ((tokens <= before_tail && !to_prompt) ||
        (to_prompt && impl_->prompt_logits.empty() && impl_->rows.tail.rows() > 0)) {
        raise_usage("the sequence cannot be cut to {} tokens: there are no rows of their own from token {} on", tokens,
                    before_tail);
    }
    const auto rows = static_cast<std::uint32_t>(tokens - before_tail - (to_prompt ? 0 : 1));
    if (rows < impl_->rows.least_rows()) {
        raise_usage(
            "the sequence cannot be cut to {} tokens: its {} let go of what these saw; {} is the least", tokens,
            rows < impl_->rows.tail.least_rows() && impl_->rows.tail.most() ? "tail has" : "sliding layers have",
            before_tail + impl_->rows.least_rows() + 1);
    }
    impl_->tree.reset();
    if (to_prompt && !impl_->prompt_logits.empty()) {  // else nothing came after the prompt's own
        impl_->logits = impl_->prompt_logits;
    }
    impl_->rows.tail.truncate(std::min(rows, impl_->rows.tail.rows()));
    impl_->stats.evicted = impl_->rows.tail.out_of_sight();
    impl_->tokens.resize(tokens);
    impl_->pending = !to_prompt;
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

std::size_t Sequence::tree_tokens() const {
    return impl_->tree ? impl_->tree->tokens.size() : 0;
}
std::span<const float> Sequence::tree_logits(std::size_t token) const {
    impl_->check_tree(token);
    return impl_->logits_in_tree(token);
}
void Sequence::drop_tree() {
    impl_->tree.reset();
    impl_->tree_memory = {};
}

KeptPositions Sequence::kept_positions() const try {
    KeptPositions kept;
    for (std::uint32_t layer = 0; layer < impl_->rows.tail.shapes().size(); ++layer) {
        auto & heads = kept.emplace_back();
        for (const std::vector<kv::HeadRows> & views : impl_->rows.views(layer)) {
            heads.push_back(kv::positions_in(views));
            std::sort(heads.back().begin(), heads.back().end());  // those in slots have no order
        }
    }
    return kept;
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

#include "run/voting.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "kv/convert.h"
#include "kv/row_store.h"

namespace snapkv::run {

FloatRows float_rows(Compute & compute, kv::Arena & arena, const kv::LayerShape & shape,
                     std::vector<std::vector<kv::HeadRows>> views) {
    FloatRows rows{shape, std::move(views), std::nullopt};
    if (!is_quantised(shape.type.key) && !is_quantised(shape.type.value)) {
        return rows;
    }
    rows.shape.type = KvType::F32;
    std::vector<std::vector<Position>> positions;
    std::vector<std::vector<std::uint32_t>> all(rows.views.size());
    for (std::size_t head = 0; head < rows.views.size(); ++head) {
        positions.push_back(kv::positions_in(rows.views[head]));
        std::transform(positions[head].begin(), positions[head].end(), std::back_inserter(all[head]), index_of);
    }
    rows.copies = kv::LayerRows::packed_empty(arena, rows.shape, std::move(positions));
    for_heads(compute, shape.kv_heads,
              [&](std::uint32_t head) { kv::convert_rows(shape, rows.views[head], all[head], *rows.copies, head); });
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        rows.views[head] = {rows.copies->head(head)};
    }
    return rows;
}

void show_weights(Compute & compute, const Observer & observer, std::uint32_t layer, attention::WeightsInput input) {
    input.halt = &compute.halt();
    // The first head to throw ends the others at their next row.
    for_heads(compute, input.spec.kv_heads, [&](std::uint32_t kv_head) {
        attention::visit_weights(input, kv_head,
                                 [&](std::uint32_t head, std::uint32_t position, std::span<const float> weights) {
                                     observer.row({layer, kv_head, head, position, weights});
                                     return !compute.halt().stopped();
                                 });
    });
}

Block cast_votes(Compute & compute, attention::VoteInput input, const std::shared_ptr<Meter> & work) {
    const std::uint32_t kv_heads = input.spec.kv_heads;
    const std::size_t floats = std::size_t{input.spec.heads} * input.prefix;
    Block votes(floats * sizeof(float), work);
    input.halt = &compute.halt();
    attention::Vote vote(std::move(input), {votes.floats(), floats});
    compute.parallel([&] { vote.statistics(); });
    compute.parallel([&] { vote.columns(); });
    for_heads(compute, kv_heads, [&](std::uint32_t head) { vote.finish(head); });
    return votes;
}

std::vector<std::vector<std::uint32_t>> choose_positions(Compute & compute, const select::Plan & plan,
                                                         std::span<const float> votes, std::uint32_t kv_heads,
                                                         std::span<const select::Mark> marks) {
    select::LayerChoice choice(plan, votes, kv_heads, marks);
    for_heads(compute, kv_heads, [&](std::uint32_t head) { choice.score(head); });
    choice.allocate();
    std::vector<std::vector<std::uint32_t>> kept(kv_heads);
    for_heads(compute, kv_heads, [&](std::uint32_t head) { kept[head] = choice.keep(head); });
    return kept;
}

}  // namespace snapkv::run

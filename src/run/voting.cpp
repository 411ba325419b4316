#include "run/voting.h"

#include <algorithm>
#include <utility>

#include "attention/key_difference.h"
#include "attention/output_change.h"
#include "attention/value_magnitude.h"
#include "kv/rotate.h"
#include "kv/row_codec.h"
#include "kv/row_store.h"

namespace snapkv::run {

FloatKeys float_keys(Compute & compute, const kv::LayerShape & shape, std::vector<std::vector<kv::HeadRows>> views,
                     const std::shared_ptr<Meter> & work) {
    FloatKeys keys{shape, std::move(views), {}, {}};
    if (!is_quantised(shape.type.key)) {
        return keys;
    }
    keys.shape.type = KvType::F32;
    std::vector<std::size_t> first;  // floats before each head's
    std::size_t floats = 0;
    for (const std::vector<kv::HeadRows> & of_head : keys.views) {
        keys.positions.push_back(kv::positions_in(of_head));
        first.push_back(floats);
        floats += keys.positions.back().size() * shape.key_size;
    }
    keys.copies = Block(floats * sizeof(float), work);
    for_heads(compute, shape.kv_heads, [&](std::uint32_t head) {
        float * to = keys.copies.floats() + first[head];
        for (const kv::HeadRows & view : keys.views[head]) {
            for (std::uint32_t row = 0; row < view.rows && !compute.halt().stopped(); ++row, to += shape.key_size) {
                kv::decode_row(view.keys + row * shape.key_bytes(), shape.key_size, shape.type.key,
                               kv::key_rotation(shape), to);
            }
        }
    });
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        keys.views[head] = {{.keys = reinterpret_cast<const std::byte *>(keys.copies.floats() + first[head]),
                             .rows = static_cast<std::uint32_t>(keys.positions[head].size()),
                             .positions = keys.positions[head].data()}};
    }
    return keys;
}

void show_weights(Compute & compute, const Observer & observer, std::uint32_t layer, attention::WeightsInput input) {
    input.halt = &compute.halt();
    // The first head to throw ends the others at their next row.
    for_heads(compute, input.spec.kv_heads, [&](std::uint32_t kv_head) {
        attention::visit_weights(input, kv_head,
                                 [&](std::uint32_t head, Position position, std::span<const float> weights) {
                                     observer.row({layer, kv_head, head, position, weights});
                                     return !compute.halt().stopped();
                                 });
    });
}

namespace {

/// By Evidence::Keys, one number for each KV head and row.
Block key_votes(Compute & compute, const attention::VoteInput & input, const std::shared_ptr<Meter> & work) {
    Block votes(std::size_t{input.spec.kv_heads} * input.prefix * sizeof(float), work);
    for_heads(compute, input.spec.kv_heads, [&](std::uint32_t head) {
        attention::key_differences(input.shape, input.rows[head], input.first,
                                   {votes.floats() + std::size_t{head} * input.prefix, input.prefix}, compute.halt());
    });
    return votes;
}

/// By Evidence::Output.
Block output_votes(Compute & compute, const attention::VoteInput & input, const std::shared_ptr<Meter> & work) {
    const std::size_t of_head = std::size_t{input.spec.group()} * input.prefix;
    Block votes(input.spec.kv_heads * of_head * sizeof(float), work);
    std::vector<Block> scratch;
    for (const std::vector<kv::HeadRows> & views : input.rows) {
        scratch.emplace_back(attention::output_change_floats(kv::rows_in(views)) * sizeof(float), work);
    }
    for_heads(compute, input.spec.kv_heads, [&](std::uint32_t head) {
        attention::output_changes(input, head, {scratch[head].floats(), scratch[head].size() / sizeof(float)},
                                  {votes.floats() + head * of_head, of_head});
    });
    return votes;
}

/// By the voters' weights alone.
Block weight_votes(Compute & compute, attention::VoteInput input, const std::shared_ptr<Meter> & work) {
    const std::uint32_t kv_heads = input.spec.kv_heads;
    const std::size_t floats = std::size_t{input.spec.heads} * input.prefix * attention::vote_planes(input.evidence);
    Block votes(floats * sizeof(float), work);
    attention::Vote vote(std::move(input), {votes.floats(), floats});
    compute.parallel([&] { vote.statistics(); });
    compute.parallel([&] { vote.columns(); });
    for_heads(compute, kv_heads, [&](std::uint32_t head) { vote.finish(head); });
    return votes;
}

/// By Evidence::Values: the votes of a KV head's query heads times the largest of its values at the positions that are
/// voted on.
void weigh_by_values(Compute & compute, const attention::VoteInput & input, Block & votes) {
    const std::size_t of_head = std::size_t{input.spec.group()} * input.prefix;
    for_heads(compute, input.spec.kv_heads, [&](std::uint32_t head) {
        const float largest =
            attention::largest_value(input.shape, input.rows[head], input.first, input.prefix, compute.halt());
        const std::span<float> of_group(votes.floats() + head * of_head, of_head);
        std::for_each(of_group.begin(), of_group.end(), [largest](float & vote) { vote *= largest; });
    });
}

}  // namespace

Block cast_votes(Compute & compute, attention::VoteInput input, const std::shared_ptr<Meter> & work) {
    input.halt = &compute.halt();
    if (input.evidence == Evidence::Output) {  // takes rows of any type
        return output_votes(compute, input, work);
    }
    const FloatKeys keys = float_keys(compute, input.shape, input.rows, work);
    attention::VoteInput of_floats = input;
    of_floats.shape = keys.shape;
    of_floats.rows = keys.views;
    if (input.evidence == Evidence::Keys) {
        return key_votes(compute, of_floats, work);
    }
    Block votes = weight_votes(compute, std::move(of_floats), work);
    if (input.evidence == Evidence::Values) {
        weigh_by_values(compute, input, votes);
    }
    return votes;
}

std::vector<std::vector<Position>> flowing_positions(const select::Plan & plan, const select::FlowingLayer & layer) {
    std::vector<std::vector<Position>> kept;
    for (const select::FlowingHead & head : layer.heads) {
        kept.push_back(select::with_rows_kept_anyway(plan, head.positions));
    }
    return kept;
}

std::vector<select::RankedScores> layer_scores(Compute & compute, const select::Plan & plan,
                                               std::span<const float> votes, std::uint32_t kv_heads,
                                               std::span<const select::Mark> marks) {
    select::LayerChoice choice(plan, votes, kv_heads, marks);
    for_heads(compute, kv_heads, [&](std::uint32_t head) { choice.score(head); });
    return choice.take_scores();
}

std::vector<std::vector<Position>> choose_positions(Compute & compute, const select::Plan & plan, std::uint32_t budget,
                                                    std::span<const float> votes, std::uint32_t kv_heads,
                                                    std::span<const select::Mark> marks) {
    select::LayerChoice choice(plan, votes, kv_heads, marks);
    for_heads(compute, kv_heads, [&](std::uint32_t head) { choice.score(head); });
    choice.allocate(budget);
    std::vector<std::vector<Position>> kept(kv_heads);
    for_heads(compute, kv_heads, [&](std::uint32_t head) { kept[head] = choice.keep(head); });
    return kept;
}

}  // namespace snapkv::run

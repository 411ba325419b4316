#include "run/voting.h"

#include <utility>

namespace snapkv::run {

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

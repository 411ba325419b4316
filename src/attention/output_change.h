#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "attention/vote.h"

namespace snapkv::attention {

/// Floats of scratch that output_changes() takes for a KV head with so many rows.
[[nodiscard]] std::size_t output_change_floats(std::uint32_t rows);

/// By how much the window's outputs would change if one row alone were left out (DropKV, kvpress issue 284; its
/// unsquared form is CAOTE's, arXiv 2504.14051). A query that gives row j the weight a, and whose output is o, would
/// have o + a / (1 - a) (o - v_j) instead: the vote is the squared length of that change, averaged over the voters that
/// see the row. 1 - a counts as 1e-6 at least.
///
/// For one KV head of `input` with rows of any type, in float32 row by row, so that the bits depend on nothing else.
/// `votes`: [query head of the group][prefix], 0 for a position that no view has; `scratch`: output_change_floats() of
/// the KV head's rows. Once input.halt has stopped, `votes` says nothing.
void output_changes(const VoteInput & input, std::uint32_t kv_head, std::span<float> scratch, std::span<float> votes);

}  // namespace snapkv::attention

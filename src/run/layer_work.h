#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "attention/unit.h"
#include "base/block.h"
#include "run/prefill_plan.h"
#include "run/state_spans.h"

namespace snapkv::run {

/// What a prefill holds of the layer at hand beside rows and weights.
struct LayerWork {
    LayerWork(const model::HyperParameters & params, const PrefillPlan & plan, std::uint32_t batch,
              const std::shared_ptr<Meter> & work)
        : trunk_queries(std::size_t{plan.trunk_captured} * params.heads * params.key_size * sizeof(float), work),
          trunk_sums(plan.accumulates() ? std::size_t{plan.trunk} * params.heads * sizeof(float) : 0, work),
          row_sums(
              plan.accumulates() ? std::size_t{plan.chunk_rows(batch)} * params.heads * sizeof(attention::RowSum) : 0,
              work),
          states(params, plan, batch, work) {}

    Block trunk_queries;  ///< the trunk's last plan.trunk_captured queries
    Block trunk_sums;     ///< column sums of the trunk's queries, [head][trunk]
    Block row_sums;       ///< of a chunk's queries, [row][head]; both where the plan accumulates
    StateSpans states;
};

}  // namespace snapkv::run

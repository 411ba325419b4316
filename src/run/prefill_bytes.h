#pragma once

#include <cstdint>

#include "model/hyper_parameters.h"
#include "run/prefill_plan.h"

namespace snapkv::run {

/// What the engine will allocate for a prefill, from the plan's sizes alone.
struct PrefillBytes {
    std::uint64_t hidden = 0;
    std::uint64_t cache = 0;    ///< peak: working rows of one layer and all kept rows
    std::uint64_t compute = 0;  ///< queries, sums; with packed weights and the graph's buffers once they are known
    std::uint64_t passing = 0;  ///< what comes and goes: votes, weights to be packed, logits of scored tokens
    bool refused = false;       ///< the graph's buffers could not be had, and are missing from the sum

    [[nodiscard]] std::uint64_t total() const { return hidden + cache + compute + passing; }
};

/// Goes through a prefill's layers without memory: what it takes and lets go is taken and let go by the code that does
/// so in earnest. `batch`: rows of a chunk, in which the suffixes of several branches may be at work together.
[[nodiscard]] PrefillBytes prefill_bytes(const PrefillPlan & plan, const model::HyperParameters & params,
                                         std::uint32_t batch);

/// Bytes of logits that are had at once of so many rows.
[[nodiscard]] std::uint64_t logit_bytes(std::uint32_t rows, const model::HyperParameters & params);

}  // namespace snapkv::run

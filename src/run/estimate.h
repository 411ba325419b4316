#pragma once

#include <cstdint>
#include <memory>

#include "base/reservation.h"
#include "run/prefill_bytes.h"
#include "run/prefill_plan.h"
#include "snapkv/session.h"

namespace snapkv::run {

/// How fast this machine runs this model, measured on a small piece of the real work.
struct Speed {
    double layer_seconds = 0;  ///< getting one layer's weights ready
    double row_seconds = 0;    ///< one token's products through one layer
    double pair_seconds = 0;   ///< one query position against one cache row, all heads of one layer
};

/// What the prefill needs, graph buffers included as far as they can be told: not where the system refuses even their
/// addresses.
PrefillBytes needed_memory(Session::Impl & session, const PrefillPlan & plan);

/// Sets aside what a prefill needs; what `taken` counts from now on is taken of it, and the graph's buffers besides
/// (see Prefill::compute_bytes()). Throws Error(Machine) with the sum where that is more than can be had, before
/// anything of that size is asked for.
[[nodiscard]] Reservation reserve_memory(Session::Impl & session, const PrefillPlan & plan,
                                         const std::shared_ptr<Meter> & taken);

}  // namespace snapkv::run

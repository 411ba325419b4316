#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/meter.h"
#include "base/reservation.h"
#include "run/prefill.h"
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

/// A prefill with its buffers, to which nothing is written yet, and all that it will take.
struct SizedPrefill {
    /// `least`: what prefill_bytes() says.
    SizedPrefill(const PrefillBytes & least, const PrefillEnvironment & environment, const PrefillPlan & plan,
                 Prefill::OnLogits on_logits);

    PrefillBytes bytes;                ///< with the graph's buffers, unless the system refuses even their addresses
    std::unique_ptr<Prefill> prefill;  ///< null then
};

/// The memory that a prefill needs, set aside before it is asked for and until it is taken. Not thread-safe.
class ReservedMemory {
public:
    /// Sets aside all but the graph's buffers, whose sizes are not known yet; what `taken` counts from now on is taken
    /// of it. Throws Error(Machine) with the sum where that is more than can be had. `plan` must outlive it.
    ReservedMemory(Session::Impl & session, const PrefillPlan & plan, const std::shared_ptr<Meter> & taken);

    /// The prefill, once the rest is set aside too: once. Throws as above.
    [[nodiscard]] std::unique_ptr<Prefill> build(const PrefillEnvironment & environment, Prefill::OnLogits on_logits);
    [[nodiscard]] const PrefillBytes & bytes() const { return bytes_; }
    /// What there was before.
    [[nodiscard]] std::uint64_t available() const { return available_; }

    /// A unit was computed: the graph's buffers, of so many bytes, are in use.
    void take_buffers(std::uint64_t bytes);
    /// Nothing more will be taken.
    void release() { reservation_.reset(); }

private:
    const PrefillPlan & plan_;
    std::uint64_t reusable_;
    std::uint64_t available_ = 0;
    PrefillBytes bytes_;
    std::optional<Reservation> reservation_;
    bool buffers_taken_ = false;
};

/// What a run takes of which the prefill takes `bytes`, and each branch's answer rows for at most `max_tokens` (less
/// than 0: no limit is known). Measures the machine's speed where the session does not know it yet and memory suffices.
[[nodiscard]] Estimate estimate_of(Session::Impl & session, const PrefillPlan & plan, const PrefillBytes & bytes,
                                   std::uint64_t available, std::int64_t max_tokens);

}  // namespace snapkv::run

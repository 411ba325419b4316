#pragma once

#include <cstdint>
#include <optional>

#include "base/reservation.h"
#include "run/session_impl.h"
#include "run/stepper.h"
#include "select/plan.h"

namespace snapkv::run {

/// What it takes to shrink the turns of a sequence by a message that is about to be appended: the vote's plan, and room
/// for the queries that vote. The rows of the turns are the tail's, a token that has no row yet included.
struct TurnVote {
    select::Plan plan;
    CapturedQueries queries;
    Reservation reserved;  ///< for these, the votes, the rows that stay, and a copy of the message's
};

/// Null where nothing is to be compressed; `stats` says why. `message`: how many tokens will be appended behind the
/// pending one. Throws Error(Usage) for a configuration that contradicts itself, Error(Machine) if memory is short.
std::optional<TurnVote> plan_turns(Session::Impl & session, const Sequence::Impl & sequence, const CacheConfig & config,
                                   std::uint32_t message, TurnStats & stats);

/// The message has its rows and its queries are captured: the turns' rows that win the vote become a segment, the
/// message's a new tail. The sequence is as before if something is thrown: Interrupted, Error(Machine).
void shrink_turns(Session::Impl & session, Sequence::Impl & sequence, TurnVote & vote, TurnStats & stats);

}  // namespace snapkv::run

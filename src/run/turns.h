#pragma once

#include <cstdint>
#include <optional>

#include "base/reservation.h"
#include "run/session_impl.h"
#include "run/stepper.h"
#include "select/plan.h"

namespace snapkv::run {

/// What appending a message does beside giving its tokens rows: the queries that vote or are observed, and the plan of
/// the vote.
struct MessagePlan {
    select::Plan turns;                   ///< compress: the turns before the message are shrunk
    std::uint32_t message = 0;            ///< position of the message's first token
    const Observer * observer = nullptr;  ///< positions > 0: is shown the last of what is appended
    CapturedQueries queries;
    std::shared_ptr<Meter> work;          ///< counts the queries and votes
    std::optional<Reservation> reserved;  ///< for these, the rows that stay, and a copy of the message's
};

/// Plans for `tokens` to be appended behind the pending one, if there is one. Where nothing is compressed, `stats` says
/// why. Throws Error(Usage) for options that contradict themselves, Error(Machine) if memory is short.
MessagePlan plan_message(Session::Impl & session, const Sequence::Impl & sequence, const AppendOptions & options,
                         std::uint32_t tokens, TurnStats & stats);

/// The last `chunk` positions have their rows, while sliding layers still have what these see: shows the observer those
/// that it asked for. Throws Interrupted, and what the observer throws.
void observe_chunk(Session::Impl & session, const Sequence::Impl & sequence, const MessagePlan & plan,
                   std::uint32_t chunk);

/// The whole message has its rows and its queries are captured: the turns' rows that win the vote become a segment, the
/// message's a new tail. The sequence is as before if something is thrown: Interrupted, Error(Machine).
void shrink_turns(Session::Impl & session, Sequence::Impl & sequence, const MessagePlan & plan, TurnStats & stats);

}  // namespace snapkv::run

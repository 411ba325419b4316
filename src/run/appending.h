#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/telling.h"
#include "run/session_impl.h"

namespace snapkv::run {

/// Feeds a message to a sequence turn by turn (Stepper::turn_size()), scores those of its tokens that are asked for,
/// and tells how far it is. Refers to session and sequence. Not thread-safe.
class Appending {
public:
    /// `feed`: the sequence's sampled token that has no row yet, if there is one, and the message. Throws Error(Usage)
    /// for more tokens to score than the message has, or than have anything before them.
    Appending(Session::Impl & session, Sequence::Impl & sequence, std::vector<Token> feed, const Scoring & scoring,
              Telling tell);

    [[nodiscard]] bool done() const { return fed_ == feed_.size(); }
    /// Tokens that have their rows.
    [[nodiscard]] std::size_t fed() const { return fed_; }

    /// The next turn, whose number of tokens it returns: where memory is short, of fewer chunks than it might be.
    /// Throws as Stepper::turn() does, and has then fed nothing.
    std::uint32_t advance(CapturedQueries * captured);
    void tell() const { tell_(fed_, feed_.size()); }

    /// Of the tokens that were fed. The last call.
    [[nodiscard]] std::vector<ScoredToken> take_scores();

private:
    /// Feeds the next `count` tokens.
    void feed(std::size_t count, CapturedQueries * captured);
    /// What is wanted of a turn of the next `count` tokens.
    [[nodiscard]] TurnWants wants(std::size_t count, CapturedQueries * captured);
    /// Scores a token of the feed, if there is such a one, by the logits before it.
    void score(std::span<const float> logits, std::size_t token);

    Session::Impl & session_;
    Sequence::Impl & sequence_;
    std::vector<Token> feed_;
    Scoring scoring_;
    Telling tell_;
    std::size_t first_scored_;  ///< of the feed
    std::size_t fed_ = 0;
    std::vector<ScoredToken> scores_;  ///< may have that of the first token that is not fed
};

}  // namespace snapkv::run

#include "run/appending.h"

#include <algorithm>
#include <utility>

#include "base/raise.h"
#include "run/logits.h"
#include "snapkv/error.h"

namespace snapkv::run {

namespace {

/// Tokens of a message that are read together where a sequence holds so many rows and no more: it holds these beside
/// them for as long.
constexpr std::size_t kBoundedTurn = kv::Tail::kBlockRows;

}  // namespace

Appending::Appending(Session::Impl & session, Sequence::Impl & sequence, std::vector<Token> feed,
                     const Scoring & scoring, Telling tell)
    : session_(session),
      sequence_(sequence),
      feed_(std::move(feed)),
      scoring_(scoring),
      tell_(std::move(tell)),
      first_scored_(feed_.size() - std::min<std::size_t>(scoring.tokens, feed_.size())) {
    const std::size_t message = feed_.size() - (sequence.pending ? 1 : 0);
    if (scoring.tokens > message) {
        raise_usage("{} tokens are to be scored, {} are appended", scoring.tokens, message);
    }
    if (scoring.tokens > 0 && first_scored_ == 0) {
        if (sequence.next_position() == 0) {
            raise_usage("the first token of a text is to be scored, before which there is nothing");
        }
        score(sequence.logits, 0);
    }
}

std::uint32_t Appending::advance(CapturedQueries * captured) {
    const std::size_t left = feed_.size() - fed_;
    const bool bounded = sequence_.rows.tail.most().has_value();
    for (std::size_t count = session_.stepper.turn_size(bounded ? std::min(left, kBoundedTurn) : left);;) {
        try {
            feed(count, captured);
            return static_cast<std::uint32_t>(count);
        } catch (const Error & error) {
            const std::size_t fewer = session_.stepper.fewer(count);
            if (error.kind() != ErrorKind::Machine || fewer == count) {
                throw;
            }
            count = fewer;
        }
    }
}

void Appending::feed(std::size_t count, CapturedQueries * captured) {
    const std::span<const Token> tokens = std::span(feed_).subspan(fed_, count);
    const std::size_t scored_before = scores_.size();
    // One token is a step of decode, with its threads.
    const auto phase = feed_.size() == 1 ? Compute::Phase::Decode : Compute::Phase::Prefill;
    try {
        session_.stepper.turn({&sequence_, tokens}, phase, wants(count, captured));
    } catch (...) {
        scores_.resize(scored_before);
        throw;
    }
    // The pending token is in the list already; now it has its row.
    sequence_.tokens.insert(sequence_.tokens.end(), tokens.begin() + (sequence_.pending ? 1 : 0), tokens.end());
    sequence_.pending = false;
    fed_ += count;
}

std::vector<ScoredToken> Appending::take_scores() {
    scores_.resize(std::min(scores_.size(), std::max(fed_, first_scored_) - first_scored_));
    return std::move(scores_);
}

TurnWants Appending::wants(std::size_t count, CapturedQueries * captured) {
    TurnWants wants{.captured = captured};
    const std::size_t end = fed_ + count;
    // The logits at a token say what was thought of the next one.
    const std::size_t first = std::max(first_scored_ - std::min<std::size_t>(first_scored_, 1), fed_);
    if (scoring_.tokens > 0 && first < end) {
        wants.logit_rows = static_cast<std::uint32_t>(end - first);
        wants.on_logits = [this](std::uint32_t row, std::span<const float> logits) {
            for (; !logits.empty(); logits = logits.subspan(session_.params().vocabulary)) {
                const std::span<const float> of_row = logits.first(session_.params().vocabulary);
                check_logits(of_row);
                score(of_row, fed_ + ++row);
            }
        };
    }
    if (tell_) {
        wants.on_progress = [this, count](double share) {
            const auto so_far = static_cast<std::size_t>(share * static_cast<double>(count));
            if (so_far < count) {
                tell_(fed_ + so_far, feed_.size());
            }
        };
    }
    return wants;
}

void Appending::score(std::span<const float> logits, std::size_t token) {
    if (token < feed_.size()) {
        scores_.push_back(run::score(logits, feed_[token], scoring_.top));
    }
}

}  // namespace snapkv::run

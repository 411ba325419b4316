#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "attention/oracle.h"
#include "attention/vote.h"
#include "support/evidence.h"

namespace snapkv::attention::test {

/// What the voters that are late enough to see a column give it, and for each of these the number of rows it sees.
struct Given {
    std::vector<double> weights;
    std::vector<double> seen;
};

/// Of each column of the prefix, for one query head: straight from the method's definition.
inline std::vector<Given> given_by(const VoteInput & input, std::uint32_t head) {
    const AttentionSpec & spec = input.spec;
    const std::uint32_t first = input.n - input.window;
    const std::vector<DecodedRows> views = decoded(input.shape, input.rows[head / spec.group()]);
    std::vector<Given> given(input.prefix);
    std::vector<double> logits(input.n);
    for (std::uint32_t row = 0; row < input.window; ++row) {
        const float * query = input.queries + (std::size_t{row} * spec.heads + head) * spec.key_size;
        std::fill(logits.begin(), logits.end(), kNegativeInfinity);
        double seen = 0;
        for (const DecodedRows & rows : views) {
            for (std::uint32_t at = 0; at < rows.view.rows; ++at) {
                const Position position = rows.view.position(at);
                if (is_seen(spec, first + row, position)) {
                    ++seen;
                    logits[index_of(position)] =
                        logit_of(spec, query, rows.keys.data() + std::size_t{at} * spec.key_size) -
                        double{spec.slope(head)} * (static_cast<double>(first + row) - index_of(position));
                }
            }
        }
        const double maximum = *std::max_element(logits.begin(), logits.end());
        double sum = spec.sinks.empty() ? 0 : std::exp(double{spec.sinks[head]} - maximum);
        for (const double logit : logits) {
            sum += std::exp(logit - maximum);
        }
        for (std::uint32_t column = 0; column < std::min(input.prefix, first + row + 1); ++column) {
            given[column].weights.push_back(std::exp(logits[column] - maximum) / sum);
            given[column].seen.push_back(seen);
        }
    }
    return given;
}

/// The vote, [KV head][group][prefix].
inline std::vector<double> vote(const VoteInput & input) {
    std::vector<double> votes;
    for (std::uint32_t head = 0; head < input.spec.heads; ++head) {
        double all = 0;
        for (const Given & given : given_by(input, head)) {
            votes.push_back(snapkv::test::evidence_of(input.evidence, given.weights));
            all += votes.back();
        }
        for (std::size_t at = votes.size() - input.prefix; at < votes.size() && input.evidence == Evidence::MaxFloor;
             ++at) {
            votes[at] = std::max(votes[at], all / input.prefix);
        }
    }
    return votes;
}

}  // namespace snapkv::attention::test

#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "select/cluster.h"
#include "select/larger.h"

namespace snapkv::select {
namespace {

/// What is left of a vote after one row of `half_life`.
float decay(std::uint32_t half_life) {
    return half_life == 0 ? 0 : std::exp2(-1.0F / static_cast<float>(half_life));
}

}  // namespace

// Two passes, each of which carries the largest vote so far, a little less of it at every row: the largest of all votes
// times its decay, as the decays of one direction multiply.
void reach(const Cluster & how, std::span<const float> votes, std::span<const Mark> marks, std::span<float> scores) {
    assert(scores.size() == votes.size());
    const auto left = [&](float carried, float by, std::size_t before) {
        const float once = carried * by;
        return how.stops && marks[before].ends_line ? once * by : once;
    };
    const float by_ahead = decay(how.ahead);
    float carried = 0;
    for (std::size_t i = 0; i < votes.size(); ++i) {
        carried = larger(i > 0 ? left(carried, by_ahead, i - 1) : carried, votes[i]);
        scores[i] = carried;
    }
    const float by_back = decay(how.back);
    carried = 0;
    for (std::size_t i = votes.size(); i-- > 0;) {
        carried = larger(left(carried, by_back, i), votes[i]);
        scores[i] = larger(scores[i], carried);
    }
}

}  // namespace snapkv::select

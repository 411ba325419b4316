#include "snapkv/selection.h"

#include <algorithm>
#include <new>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "select/cluster.h"
#include "select/scores.h"

namespace snapkv {

std::vector<Position> select_positions(std::span<const float> scores, std::size_t heads,
                                       const Selection & selection) try {
    if (selection.cluster.reads_text()) {
        raise_usage("the cluster keeps words or stops at line ends, which scores alone do not show");
    }
    if (heads == 0 || scores.size() % heads != 0) {
        raise_usage("{} scores do not make rows of {} query heads", scores.size(), heads);
    }
    const std::size_t columns = scores.size() / heads;
    if (columns == 0) {
        return {};
    }
    std::vector<float> reduced(columns);
    select::RankedScores clustered{std::vector<float>(columns)};
    select::reduce_group(scores, columns, selection.group, reduced);
    select::cluster(selection.cluster, reduced, {}, clustered.scores);
    return select::top_positions(clustered, 0, std::min(selection.count, static_cast<std::uint32_t>(columns)));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

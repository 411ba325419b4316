#include "snapkv/selection.h"

#include <algorithm>
#include <new>

#include "base/out_of_memory.h"
#include "base/raise.h"
#include "select/scores.h"

namespace snapkv {

std::vector<std::uint32_t> select_positions(std::span<const float> scores, std::size_t heads,
                                            const Selection & selection) try {
    if (selection.kernel % 2 == 0) {
        raise_usage("the kernel is {}; expected an odd number of at least 1", selection.kernel);
    }
    if (heads == 0 || scores.size() % heads != 0) {
        raise_usage("{} scores do not make rows of {} query heads", scores.size(), heads);
    }
    const std::size_t columns = scores.size() / heads;
    if (columns == 0) {
        return {};
    }
    std::vector<float> reduced(columns);
    std::vector<float> pooled(columns);
    select::reduce_group(scores, columns, selection.group, reduced);
    select::pool(reduced, selection.kernel, selection.pooling, pooled);
    return select::top_positions(pooled, 0, std::min(selection.count, static_cast<std::uint32_t>(columns)));
} catch (const std::bad_alloc &) {
    out_of_memory();
}

}  // namespace snapkv

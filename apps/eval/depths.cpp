#include "eval/depths.h"

#include <algorithm>

#include "eval/fail.h"

namespace snapkv::eval {

void check_depths(std::string_view task, std::span<const double> depths) {
    if (depths.empty()) {
        usage_error("{}: found no depth, expected at least one from 0 to 1", task);
    }
    for (std::size_t i = 0; i < depths.size(); ++i) {
        if (!(depths[i] >= 0 && depths[i] <= 1)) {
            usage_error("{}: found the depth {}, expected a number from 0 to 1", task, depths[i]);
        }
        const auto before = depths.first(i);
        if (std::find(before.begin(), before.end(), depths[i]) != before.end()) {
            usage_error("{}: found the depth {} twice, expected each once", task, depths[i]);
        }
    }
}

}  // namespace snapkv::eval

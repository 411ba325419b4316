#include "eval/label_places.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace snapkv::eval {
namespace {

/// Labels that touch: they stand `gap` apart from `begin` on.
struct LabelGroup {
    double sum = 0;  ///< of where each would have the first one stand
    double count = 0;
    double begin = 0;
};

}  // namespace

// Pool adjacent violators (Ayer et al. 1955): labels that would overlap are joined and centred on what they want.
std::vector<double> spread_labels(std::span<const double> wanted, double gap, double least, double most) {
    std::vector<std::size_t> order(wanted.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return wanted[a] < wanted[b]; });
    std::vector<LabelGroup> groups;
    for (const std::size_t index : order) {
        LabelGroup group{wanted[index], 1, wanted[index]};
        const auto fit = [&] {
            const double latest = std::max(least, most - gap * (group.count - 1));
            group.begin = std::clamp(group.sum / group.count, least, latest);
        };
        fit();
        while (!groups.empty() && groups.back().begin + gap * groups.back().count > group.begin) {
            const LabelGroup & before = groups.back();
            group.sum = before.sum + group.sum - gap * before.count * group.count;
            group.count += before.count;
            groups.pop_back();
            fit();
        }
        groups.push_back(group);
    }
    std::vector<double> placed(wanted.size());
    std::size_t next = 0;
    for (const LabelGroup & group : groups) {
        for (double i = 0; i < group.count; ++i) {
            placed[order[next++]] = group.begin + gap * i;
        }
    }
    return placed;
}

bool Box::meets(const Box & other) const {
    return left < other.left + other.width && other.left < left + width && top < other.top + other.height &&
           other.top < top + height;
}

bool Box::holds(const Box & other) const {
    return left <= other.left && top <= other.top && other.left + other.width <= left + width &&
           other.top + other.height <= top + height;
}

void FreeSpace::take_line(double x1, double y1, double x2, double y2) {
    constexpr double step = 4;
    const int pieces = std::max(1, static_cast<int>(std::ceil(std::hypot(x2 - x1, y2 - y1) / step)));
    for (int i = 0; i <= pieces; ++i) {
        const double share = static_cast<double>(i) / pieces;
        take({x1 + (x2 - x1) * share - step / 2, y1 + (y2 - y1) * share - step / 2, step, step});
    }
}

std::optional<Box> FreeSpace::place_beside(double x, double y, double width, double height) {
    for (const double gap : {8.0, 18.0, 30.0}) {
        const double middle = y - height / 2;
        const double above = y - gap - height;
        const double below = y + gap;
        const double right = x + gap;
        const double left = x - gap - width;
        const double centred = x - width / 2;
        for (const auto & [at_x, at_y] :
             {std::pair{right, middle}, std::pair{left, middle}, std::pair{centred, above}, std::pair{centred, below},
              std::pair{right, above}, std::pair{right, below}, std::pair{left, above}, std::pair{left, below}}) {
            const Box box{at_x, at_y, width, height};
            const auto meets = [&](const Box & other) { return box.meets(other); };
            if (area_.holds(box) && std::none_of(taken_.begin(), taken_.end(), meets)) {
                take(box);
                return box;
            }
        }
    }
    return std::nullopt;
}

}  // namespace snapkv::eval

#include "eval/series_look.h"

#include <algorithm>
#include <vector>

namespace snapkv::eval {
namespace {

constexpr std::array<std::string_view, 7> dashes{"", "7 4", "2 3", "9 3 2 3", "14 4", "4 2", "12 3 2 3 2 3"};

struct Offset {
    double x;
    double y;
};

/// Corners of the markers about their middle; the first is round and has none.
const std::array<std::vector<Offset>, 5> & marker_corners() {
    static const std::array<std::vector<Offset>, 5> corners{{
        {},
        {{-3.6, -3.6}, {3.6, -3.6}, {3.6, 3.6}, {-3.6, 3.6}},
        {{0, -4.8}, {4.6, 3.6}, {-4.6, 3.6}},
        {{0, -5}, {5, 0}, {0, 5}, {-5, 0}},
        {{0, 4.8}, {4.6, -3.6}, {-4.6, -3.6}},
    }};
    return corners;
}

std::string line_name(std::size_t series) {
    return fmt::format("l{}", series % palette.size());
}

}  // namespace

void add_series_rules(SvgPage & page, std::size_t count) {
    for (std::size_t i = 0; i < std::min(count, palette.size()); ++i) {
        page.rule(line_name(i), fmt::format("fill:none;stroke:{}", palette[i].light),
                  fmt::format("stroke:{}", palette[i].dark));
        page.rule(fmt::format("m{}", i), fmt::format("fill:{}", palette[i].light),
                  fmt::format("fill:{}", palette[i].dark));
    }
}

std::string line_look(const SvgPage & page, std::size_t series) {
    const std::string_view dash = dashes[series % dashes.size()];
    return fmt::format("{} stroke-width=\"2\"{}", page.look(line_name(series)),
                       dash.empty() ? "" : fmt::format(" stroke-dasharray=\"{}\"", dash));
}

std::string thin_look(const SvgPage & page, std::size_t series) {
    return page.look(line_name(series));
}

std::string marker(const SvgPage & page, std::size_t series, double x, double y, std::string_view inner) {
    const std::string look = page.look(fmt::format("m{}", series % palette.size()));
    const std::vector<Offset> & corners = marker_corners()[series % marker_corners().size()];
    if (corners.empty()) {
        return fmt::format("<circle {} cx=\"{}\" cy=\"{}\" r=\"4\">{}</circle>\n", look, pixels(x), pixels(y), inner);
    }
    std::string points;
    for (const Offset & corner : corners) {
        points += fmt::format("{}{},{}", points.empty() ? "" : " ", pixels(x + corner.x), pixels(y + corner.y));
    }
    return fmt::format("<polygon {} points=\"{}\">{}</polygon>\n", look, points, inner);
}

}  // namespace snapkv::eval

#include "eval/series_labels.h"

#include <algorithm>
#include <cmath>

#include "eval/series_look.h"
#include "eval/text_width.h"

namespace snapkv::eval {
namespace {

constexpr double row_height = 16;
constexpr double label_height = 14;
constexpr double leader_length = 18;
constexpr double marker_room = 13;
constexpr double widest_name = 250;

double widest_of(std::span<const SeriesEnd> ends) {
    double widest = 0;
    for (const SeriesEnd & end : ends) {
        widest = std::max(widest, std::min(text_width(end.name, small_text), widest_name));
    }
    return widest;
}

std::string name_of(const SeriesEnd & end) {
    return fit_text(end.name, small_text, widest_name);
}

void add_margin_label(SvgPage & page, const PlotArea & area, const SeriesEnd & end, double y) {
    const double x = area.right() + leader_length;
    page.add(fmt::format("<path {} stroke-width=\".7\" d=\"M{} {}L{} {}\"/>\n", thin_look(page, end.series),
                         pixels(end.x + 6), pixels(end.y), pixels(x - 2), pixels(y)));
    page.add(marker(page, end.series, x + 4, y));
    page.text(x + marker_room, y + 4, name_of(end), {.size = small_text, .full = end.name});
}

/// A name in the plot; a thin line leads to one that does not stand close to its point.
void add_label_beside(SvgPage & page, const SeriesEnd & end, const Box & box) {
    const double x = std::clamp(end.x, box.left, box.left + box.width);
    const double y = std::clamp(end.y, box.top, box.top + box.height);
    if (std::hypot(x - end.x, y - end.y) > 12) {
        page.add(fmt::format("<path {} stroke-width=\".7\" d=\"M{} {}L{} {}\"/>\n", thin_look(page, end.series),
                             pixels(end.x), pixels(end.y), pixels(x), pixels(y)));
    }
    page.text(box.left, box.top + small_text - 1, name_of(end),
              {.size = small_text, .colour = "label", .full = end.name});
}

}  // namespace

double series_labels_width(std::span<const SeriesEnd> ends) {
    return widest_of(ends) + leader_length + marker_room + 8;
}

std::vector<std::optional<Box>> plan_series_labels(std::span<const SeriesEnd> ends, FreeSpace & space) {
    std::vector<std::optional<Box>> plan;
    plan.reserve(ends.size());
    for (const SeriesEnd & end : ends) {
        plan.push_back(end.beside ? space.place_beside(end.x, end.y, text_width(name_of(end), small_text), label_height)
                                  : std::nullopt);
    }
    return plan;
}

void add_series_labels(SvgPage & page, const PlotArea & area, std::span<const SeriesEnd> ends,
                       std::span<const std::optional<Box>> plan) {
    page.rule("label", "fill:#222;stroke:#fff;stroke-width:3;stroke-linejoin:round;paint-order:stroke",
              "fill:#ddd;stroke:#14171a");
    std::vector<const SeriesEnd *> in_margin;
    std::vector<double> wanted;
    for (std::size_t i = 0; i < ends.size(); ++i) {
        if (plan[i]) {
            add_label_beside(page, ends[i], *plan[i]);
        } else {
            in_margin.push_back(&ends[i]);
            wanted.push_back(ends[i].y);
        }
    }
    const std::vector<double> places = spread_labels(wanted, row_height, area.top + 6, area.bottom() - 2);
    for (std::size_t i = 0; i < in_margin.size(); ++i) {
        add_margin_label(page, area, *in_margin[i], places[i]);
    }
}

double add_series_legend(SvgPage & page, double left, double top, double width, std::span<const SeriesEnd> ends,
                         bool lines) {
    const double sample = lines ? 44 : 14;
    const double column_width = sample + widest_of(ends) + 20;
    const auto columns = std::max<std::size_t>(1, static_cast<std::size_t>(width / column_width));
    for (std::size_t i = 0; i < ends.size(); ++i) {
        const std::size_t row = i / columns;
        const double x = left + column_width * static_cast<double>(i % columns);
        const double y = top + 12 + (row_height + 2) * static_cast<double>(row);
        if (lines) {
            page.add(
                fmt::format("<path {} d=\"M{} {}h38\"/>\n", line_look(page, ends[i].series), pixels(x), pixels(y)));
        }
        page.add(marker(page, ends[i].series, x + (lines ? 19 : 5), y));
        page.text(x + sample, y + 4, name_of(ends[i]), {.size = small_text, .full = ends[i].name});
    }
    const std::size_t rows = (ends.size() + columns - 1) / columns;
    return top + (row_height + 2) * static_cast<double>(rows) + 8;
}

}  // namespace snapkv::eval

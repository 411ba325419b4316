#pragma once

#include <optional>
#include <span>
#include <vector>

namespace snapkv::eval {

/// Places for labels along a line: as near to the wanted ones as they can be (least squares) in the same order, at
/// least `gap` apart, and within least..most as far as all fit; where they do not, they go beyond `most`.
[[nodiscard]] std::vector<double> spread_labels(std::span<const double> wanted, double gap, double least, double most);

/// A rectangle in pixels.
struct Box {
    double left = 0;
    double top = 0;
    double width = 0;
    double height = 0;

    [[nodiscard]] bool meets(const Box & other) const;
    [[nodiscard]] bool holds(const Box & other) const;
};

/// What of an area is taken already, and where else a label may stand.
class FreeSpace {
public:
    explicit FreeSpace(const Box & area) : area_(area) {}

    void take(const Box & box) { taken_.push_back(box); }
    /// Takes a band along a straight line.
    void take_line(double x1, double y1, double x2, double y2);
    /// Looks for room for a label of that size beside a point: to the right, the left, above, below and between, first
    /// close to it, then further off. Takes it and gives its place; nothing where there is none.
    [[nodiscard]] std::optional<Box> place_beside(double x, double y, double width, double height);

private:
    Box area_;
    std::vector<Box> taken_;
};

}  // namespace snapkv::eval

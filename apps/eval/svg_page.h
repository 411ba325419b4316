#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace snapkv::eval {

/// How a line of text looks and stands.
struct TextLook {
    double size = 13;
    std::string_view anchor = "start";  ///< "start", "middle", "end"
    bool bold = false;
    double turn = 0;                  ///< degrees, clockwise about its own place
    std::string_view colour = "ink";  ///< a name of a rule
    std::string_view full = {};       ///< shown while the pointer rests on the text, where that was shortened
};

/// One picture in the making: its elements, and style rules for light pages (and paper) and for dark screens. Every
/// class and id begins with the picture's own, so that pictures side by side in one HTML page do not style each other.
/// Rules named "ink", "faint", "page", "grid" and "axis" are there from the beginning.
class SvgPage {
public:
    /// `id` names the picture in its page and must be unique there. What a class name cannot hold is written in hex.
    explicit SvgPage(std::string_view id);

    /// An attribute for elements that a rule styles: class="ID-name". Names hold no '-'.
    [[nodiscard]] std::string look(std::string_view name) const;
    /// The id of a pattern or gradient that elements refer to.
    [[nodiscard]] std::string name(std::string_view name) const;

    /// Declarations for the class `name`, and those that differ on a dark screen.
    void rule(std::string_view name, std::string_view light, std::string_view dark = {});
    /// Appends finished markup.
    void add(std::string_view markup) { body_ += markup; }
    /// Appends text, escaped, its baseline at y.
    void text(double x, double y, std::string_view words, const TextLook & look = {});

    /// The whole picture on a ground of width x height pixels. `label` is read to those who cannot see it.
    [[nodiscard]] std::string finish(double width, double height, std::string_view label) const;

private:
    std::string id_;
    std::string light_;
    std::string dark_;
    std::string body_;
};

/// A finite length or place in pixels, to a tenth.
[[nodiscard]] std::string pixels(double value);

/// Text shown while the pointer rests on the element that holds it.
[[nodiscard]] std::string hint(std::string_view words);

}  // namespace snapkv::eval

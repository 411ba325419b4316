#include "eval/svg_page.h"

#include <cassert>
#include <cmath>

#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// A CSS identifier; different ids give different ones.
std::string identifier(std::string_view id) {
    std::string out;
    for (const char c : id) {
        const bool plain = is_letter(c) || (!out.empty() && ((c >= '0' && c <= '9') || c == '-'));
        out += plain ? std::string(1, c) : fmt::format("_{:02x}", static_cast<unsigned char>(c));
    }
    return out.empty() ? "_" : out;
}

}  // namespace

SvgPage::SvgPage(std::string_view id) : id_(identifier(id)) {
    rule("page", "fill:#fff", "fill:#14171a");
    rule("ink", "fill:#222", "fill:#ddd");
    rule("faint", "fill:#666", "fill:#999");
    rule("grid", "fill:none;stroke:#ddd", "stroke:#333a40");
    rule("axis", "fill:none;stroke:#555", "stroke:#99a");
}

std::string SvgPage::look(std::string_view name) const {
    return fmt::format("class=\"{}-{}\"", id_, name);
}

std::string SvgPage::name(std::string_view name) const {
    return fmt::format("{}-{}", id_, name);
}

void SvgPage::rule(std::string_view name, std::string_view light, std::string_view dark) {
    light_ += fmt::format(".{}-{}{{{}}}\n", id_, name, light);
    if (!dark.empty()) {
        dark_ += fmt::format(".{}-{}{{{}}}\n", id_, name, dark);
    }
}

void SvgPage::text(double x, double y, std::string_view words, const TextLook & look) {
    body_ += fmt::format("<text {} x=\"{}\" y=\"{}\"", this->look(look.colour), pixels(x), pixels(y));
    if (look.size != TextLook().size) {
        body_ += fmt::format(" font-size=\"{}\"", pixels(look.size));
    }
    if (look.anchor != TextLook().anchor) {
        body_ += fmt::format(" text-anchor=\"{}\"", look.anchor);
    }
    if (look.bold) {
        body_ += " font-weight=\"bold\"";
    }
    if (look.turn != 0) {
        body_ += fmt::format(" transform=\"rotate({} {} {})\"", pixels(look.turn), pixels(x), pixels(y));
    }
    const bool shortened = !look.full.empty() && look.full != words;
    body_ += fmt::format(">{}{}</text>\n", shortened ? hint(look.full) : "", escape_markup(words));
}

std::string SvgPage::finish(double width, double height, std::string_view label) const {
    const std::string size = fmt::format("width=\"{0}\" height=\"{1}\"", pixels(width), pixels(height));
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" id=\"{0}\" role=\"img\" aria-label=\"{1}\" viewBox=\"0 0 {2} {3}\" "
        "{4} font-family=\"DejaVu Sans, Verdana, sans-serif\" font-size=\"13\" font-weight=\"normal\">\n"
        "<style>\n{5}@media screen and (prefers-color-scheme:dark){{\n{6}}}\n</style>\n<rect {7} {4}/>\n{8}</svg>\n",
        id_, escape_markup(label), pixels(width), pixels(height), size, light_, dark_, look("page"), body_);
}

std::string pixels(double value) {
    assert(std::isfinite(value));
    std::string text = fmt::format("{:.1f}", value);
    if (text.ends_with(".0")) {
        text.resize(text.size() - 2);
    }
    return text == "-0" ? "0" : text;
}

std::string hint(std::string_view words) {
    return fmt::format("<title>{}</title>", escape_markup(words));
}

}  // namespace snapkv::eval

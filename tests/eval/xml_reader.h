#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace snapkv::eval {

struct XmlElement {
    std::string name;
    std::map<std::string, std::string> attributes;  ///< entities resolved
    std::string text;                               ///< its own, without that of elements within; entities resolved
    std::string parent;                             ///< the name of the element around it

    /// An attribute as a number; a test failure and 0 where it is none.
    [[nodiscard]] double number(const std::string & attribute) const;
};

/// The elements of a document in the order in which they begin. Throws std::runtime_error where it is not well-formed;
/// knows no comments, declarations or sections, which the pictures do without.
[[nodiscard]] std::vector<XmlElement> read_xml(std::string_view text);

/// Of a document those of that name.
[[nodiscard]] std::vector<XmlElement> elements(std::string_view text, std::string_view name);

/// The texts of its <text> elements.
[[nodiscard]] std::vector<std::string> shown_texts(std::string_view svg);

/// Fails the test unless the text is a well-formed SVG file in which every length is a finite number.
void expect_sound_svg(std::string_view svg);

}  // namespace snapkv::eval

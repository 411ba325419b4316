#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace snapkv::eval {

/// Width in pixels of a line in DejaVu Sans (Bitstream Vera's advances), the widest of the fonts that the pictures ask
/// for. Characters beyond ASCII are estimated.
[[nodiscard]] double text_width(std::string_view text, double size, bool bold = false);

/// The text, or its beginning and its end around an ellipsis where it is wider than `width` pixels: names of settings
/// often differ at the end.
[[nodiscard]] std::string fit_text(std::string_view text, double size, double width);

/// The text broken at spaces into lines of at most `width` pixels. Words that are too wide alone, and what is left for
/// the last of `most` lines, are shortened as fit_text() does.
[[nodiscard]] std::vector<std::string> wrap_text(std::string_view text, double size, double width, std::size_t most,
                                                 bool bold = false);

}  // namespace snapkv::eval

#include "screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <cwchar>

#include "eval/utf8_text.h"

namespace snapkv::cli {
namespace {

constexpr char32_t replacement = 0xFFFD;

/// The C library knows how wide characters are, but only in a locale of UTF-8; the program itself runs in "C".
class WidthTable {
public:
    WidthTable() : locale_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
        if (locale_ != nullptr) {
            before_ = uselocale(locale_);
        }
    }
    ~WidthTable() {
        if (locale_ != nullptr) {
            uselocale(before_);
            freelocale(locale_);
        }
    }
    WidthTable(const WidthTable &) = delete;
    WidthTable & operator=(const WidthTable &) = delete;

    /// Negative for what is not printed. Without the locale all beyond ASCII counts as wide, so that nothing wraps.
    [[nodiscard]] int operator()(char32_t point) const {
        if (locale_ == nullptr && point > 0x7E) {
            return 2;
        }
        return wcwidth(static_cast<wchar_t>(point));
    }

private:
    locale_t locale_;
    locale_t before_ = nullptr;
};

/// The code points of the text as they are printed, and their columns, for as long as `take` returns true.
template <typename Take>
void for_each_printed(std::string_view text, const Take & take) {
    const WidthTable width;
    for (const char32_t point : eval::code_points(text)) {
        const int columns = width(point);
        if (!(columns < 0 ? take(replacement, 1) : take(point, static_cast<std::size_t>(columns)))) {
            return;
        }
    }
}

}  // namespace

bool takes_escapes(int descriptor) {
    const char * term = std::getenv("TERM");
    return isatty(descriptor) != 0 && term != nullptr && *term != '\0' && std::strcmp(term, "dumb") != 0;
}

std::size_t columns_of(int descriptor) {
    struct winsize size {};
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        return size.ws_col;
    }
    std::size_t columns = 0;
    if (const char * text = std::getenv("COLUMNS"); text != nullptr) {
        std::from_chars(text, text + std::strlen(text), columns);
    }
    return columns > 0 ? columns : 80;
}

std::size_t columns_taken(std::string_view text) {
    std::size_t taken = 0;
    for_each_printed(text, [&](char32_t, std::size_t columns) {
        taken += columns;
        return true;
    });
    return taken;
}

std::string cut_to_columns(std::string_view text, std::size_t columns) {
    std::u32string kept;
    std::size_t taken = 0;
    for_each_printed(text, [&](char32_t point, std::size_t width) {
        taken += width;
        if (taken <= columns) {
            kept += point;
        }
        return taken <= columns;
    });
    return eval::to_utf8(kept);
}

}  // namespace snapkv::cli

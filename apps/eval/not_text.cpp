#include "eval/not_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <utility>

#include "eval/fail.h"
#include "eval/read_file.h"
#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

using namespace std::string_view_literals;

/// A format that its first bytes give away.
struct Format {
    std::string_view begin;
    std::string_view name;
    std::string_view advice;
};

constexpr std::string_view ocr = "extract the text with tesseract";
constexpr std::array formats{
    Format{"%PDF-1."sv, "a PDF document", "extract the text with pdftotext"},
    Format{"%PDF-2."sv, "a PDF document", "extract the text with pdftotext"},
    Format{"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"sv, "an old Microsoft Office document",
           "convert it with libreoffice --convert-to txt"},
    Format{"{\\rtf1"sv, "an RTF document", "convert it with pandoc -t plain"},
    Format{"\x1F\x8B"sv, "gzip data", "unpack it with gunzip"},
    Format{"BZh91AY&SY"sv, "bzip2 data", "unpack it with bunzip2"},
    Format{"\xFD"
           "7zXZ\0"sv,
           "xz data", "unpack it with unxz"},
    Format{"\x28\xB5\x2F\xFD"sv, "Zstandard data", "unpack it with unzstd"},
    Format{"7z\xBC\xAF\x27\x1C"sv, "a 7-Zip archive", "unpack it with 7z x"},
    Format{"Rar!\x1A\x07"sv, "a RAR archive", "unpack it with unrar x"},
    Format{"\x89PNG\r\n\x1A\n"sv, "a PNG image", ocr},
    Format{"\xFF\xD8\xFF"sv, "a JPEG image", ocr},
    Format{"II*\0"sv, "a TIFF image", ocr},
    Format{"MM\0*"sv, "a TIFF image", ocr},
    Format{"GGUF\x01\0\0\0"sv, "a GGUF model", "models go with -m"},
    Format{"GGUF\x02\0\0\0"sv, "a GGUF model", "models go with -m"},
    Format{"GGUF\x03\0\0\0"sv, "a GGUF model", "models go with -m"},
};

std::string say(std::string_view name, std::string_view advice) {
    return fmt::format("{}, not text ({})", name, advice);
}

std::string say_encoding(std::string_view encoding) {
    return fmt::format("{0} text, not UTF-8 (convert it with iconv -f {0} -t UTF-8)", encoding);
}

/// Office and book formats are ZIP archives whose first entries have names of their own.
std::string say_zip(std::string_view bytes) {
    const std::string_view begin = bytes.substr(0, 4096);
    const auto has = [&](std::string_view name) { return begin.find(name) != std::string_view::npos; };
    constexpr std::string_view pandoc = "convert it with pandoc -t plain";
    if (has("word/")) {
        return say("a Word document (docx)", pandoc);
    }
    if (has("mimetypeapplication/epub+zip")) {
        return say("an EPUB book", pandoc);
    }
    if (has("mimetypeapplication/vnd.oasis.opendocument.text")) {
        return say("an OpenDocument document (odt)", pandoc);
    }
    if (has("xl/") || has("ppt/") || has("mimetypeapplication/vnd.oasis.opendocument") || has("[Content_Types].xml")) {
        return say("an Office document", "convert it with libreoffice --convert-to pdf, then pdftotext");
    }
    return say("a ZIP archive", "unpack it with unzip");
}

enum class Order { Little, Big };

/// The code unit of `size` bytes at an offset.
std::uint32_t unit_at(std::string_view bytes, std::size_t offset, std::size_t size, Order order) {
    std::uint32_t unit = 0;
    for (std::size_t i = 0; i < size; ++i) {
        const std::size_t at = offset + (order == Order::Big ? i : size - 1 - i);
        unit = unit << 8U | static_cast<unsigned char>(bytes[at]);
    }
    return unit;
}

/// Control characters that text has.
bool is_blank(std::uint32_t unit) {
    return unit == '\t' || unit == '\n' || unit == '\r' || unit == '\f';
}

/// Whether the bytes read as text in code units of that size: assigned planes, no control characters but blanks, halves
/// of a surrogate pair in their order.
bool reads_as(std::string_view bytes, std::size_t size, Order order) {
    if (bytes.size() < size) {
        return false;
    }
    bool within_pair = false;
    for (std::size_t offset = 0; offset + size <= bytes.size(); offset += size) {
        const std::uint32_t unit = unit_at(bytes, offset, size, order);
        const bool high = unit >= 0xD800 && unit < 0xDC00;
        const bool low = unit >= 0xDC00 && unit < 0xE000;
        const bool in_order = size == 2 ? low == within_pair : !high && !low;
        if ((unit < 0x20 && !is_blank(unit)) || (unit >= 0x7F && unit < 0xA0) || unit > 0x10FFFF ||
            (unit & 0xFFFEU) == 0xFFFE || !in_order) {
            return false;
        }
        within_pair = size == 2 && high;
    }
    return true;
}

/// How many values the bytes have at every other offset from `first` on.
std::size_t different_bytes(std::string_view bytes, std::size_t first) {
    std::bitset<256> seen;
    for (std::size_t i = first; i < bytes.size(); i += 2) {
        seen.set(static_cast<unsigned char>(bytes[i]));
    }
    return seen.count();
}

/// Whether the bytes are UTF-8 text but for NUL bytes: names that `find -print0` ends so, a log with a hole. That the
/// sample may end within a character does not matter.
bool is_text_but_for_nuls(std::string_view bytes) {
    constexpr std::size_t longest_character = 4;
    std::string text(bytes);
    std::erase(text, '\0');
    const std::size_t bad = find_ill_formed(text);
    return (bad == std::string::npos || bad + longest_character > text.size()) &&
           std::none_of(text.begin(), text.end(), [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return (byte < 0x20 && !is_blank(byte)) || byte == 0x7F;
           });
}

/// Whether NUL bytes stand where the upper bytes of ASCII characters do in UTF-16: at even offsets alone or at odd ones
/// alone, and more often than the ends of short names would.
bool has_nuls_as_upper_bytes(std::string_view bytes) {
    std::array<std::size_t, 2> count{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        count[i % 2] += bytes[i] == '\0' ? 1U : 0U;
    }
    return std::min(count[0], count[1]) == 0 && std::max(count[0], count[1]) > bytes.size() / 4;
}

/// UTF-16 and UTF-32 without a byte order mark, told by the NUL bytes that every ASCII character has there, blanks and
/// digits among other scripts' too.
std::optional<std::string> say_wide_text(std::string_view bytes) {
    constexpr std::size_t enough = 65536;  // a multiple of every unit's size
    const std::string_view sample = bytes.substr(0, enough);
    if (bytes.size() % 4 == 0 && reads_as(sample, 4, Order::Little)) {
        return say_encoding("UTF-32LE");
    }
    if (bytes.size() % 4 == 0 && reads_as(sample, 4, Order::Big)) {
        return say_encoding("UTF-32BE");
    }
    constexpr std::size_t rarest = 64;  // one ASCII character in so many: long lines without blanks
    const std::size_t needed = std::max<std::size_t>(sample.size() / 2 / rarest, 1);
    if (static_cast<std::size_t>(std::count(sample.begin(), sample.end(), '\0')) < needed) {
        return std::nullopt;
    }
    if (is_text_but_for_nuls(sample) && !has_nuls_as_upper_bytes(sample)) {
        return std::nullopt;
    }
    const bool little = reads_as(sample, 2, Order::Little);
    const bool big = reads_as(sample, 2, Order::Big);
    // The characters of a script share few upper bytes.
    if (little && (!big || different_bytes(sample, 1) <= different_bytes(sample, 0))) {
        return say_encoding("UTF-16LE");
    }
    if (big) {
        return say_encoding("UTF-16BE");
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> why_not_text(std::string_view bytes) {
    // UTF-32LE's mark begins with UTF-16LE's.
    constexpr std::array marks{std::pair{"\xFF\xFE\0\0"sv, "UTF-32LE"}, std::pair{"\0\0\xFE\xFF"sv, "UTF-32BE"},
                               std::pair{"\xFF\xFE"sv, "UTF-16LE"}, std::pair{"\xFE\xFF"sv, "UTF-16BE"}};
    for (const auto & [mark, encoding] : marks) {
        if (bytes.starts_with(mark)) {
            return say_encoding(encoding);
        }
    }
    if (bytes.starts_with("PK\x03\x04"sv)) {
        return say_zip(bytes);
    }
    if (bytes.starts_with("RIFF"sv) && bytes.substr(0, 12).ends_with("WEBP"sv)) {
        return say("a WebP image", ocr);
    }
    const auto * const format = std::find_if(formats.begin(), formats.end(),
                                             [&](const Format & each) { return bytes.starts_with(each.begin); });
    if (format != formats.end()) {
        return say(format->name, format->advice);
    }
    const std::size_t nul = bytes.find('\0');
    if (nul == std::string_view::npos) {
        return std::nullopt;
    }
    if (std::optional<std::string> wide = say_wide_text(bytes)) {
        return wide;
    }
    return say("binary data", fmt::format("a NUL byte at offset {}", nul));
}

std::string read_text_file(const std::filesystem::path & path) {
    constexpr std::size_t beginning = 4096;
    const std::string bytes = read_file(path);
    if (const auto why = why_not_text(std::string_view(bytes).substr(0, beginning))) {
        input_error("{}: {}", path.string(), *why);
    }
    return std::string(without_byte_order_mark(bytes));
}

std::string_view without_byte_order_mark(std::string_view text) {
    constexpr std::string_view mark = "\xEF\xBB\xBF";
    return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

}  // namespace snapkv::eval

#include "eval/not_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

using namespace std::string_view_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Code points in units of `size` bytes; those beyond the basic plane as pairs in two.
std::string encoded(std::string_view utf8, std::size_t size, bool big) {
    std::string bytes;
    const auto add = [&](char32_t unit) {
        for (std::size_t i = 0; i < size; ++i) {
            bytes += static_cast<char>(unit >> 8 * (big ? size - 1 - i : i));
        }
    };
    for (const char32_t point : code_points(utf8)) {
        if (size == 2 && point > 0xFFFF) {
            add(0xD800 + ((point - 0x10000) >> 10U));
            add(0xDC00 + ((point - 0x10000) & 0x3FFU));
        } else {
            add(point);
        }
    }
    return bytes;
}

const std::string latin = "The clerk's name is Elena.\r\n";
const std::string cyrillic =
    "\u0418\u043C\u044F \u043A\u043B\u0435\u0440\u043A\u0430 \u0415\u043B\u0435\u043D\u0430.\n";
const std::string chinese =
    "\u4E00\u4E2A\u804C\u5458\u7684\u540D\u5B57\u662F\u4F0A\u83B2\u5A1C\u3002\u5979\u6BCF\u5929\u65E9\u4E0A\u516B"
    "\u70B9\u6765\u5230\u706F\u5854\uFF0C\u70B9\u4E00\u76CF\u706F\uFF0C\u5199\u4E00\u9875\u65E5\u8BB0\u3002\n"
    "\U0001F600";

TEST(NotText, NamesOtherEncodings) {
    for (const std::string & text : {latin, cyrillic, chinese}) {
        for (const auto & [size, big, name] : {std::tuple{2U, false, "UTF-16LE"}, std::tuple{2U, true, "UTF-16BE"},
                                               std::tuple{4U, false, "UTF-32LE"}, std::tuple{4U, true, "UTF-32BE"}}) {
            for (const char * mark : {"", "\uFEFF"}) {
                const std::string bytes = encoded(mark + text, size, big);
                EXPECT_EQ(why_not_text(bytes).value_or("text"),
                          std::string(name) + " text, not UTF-8 (convert it with iconv -f " + name + " -t UTF-8)")
                    << text << *mark;
            }
        }
    }
}

TEST(NotText, NamesFormatsAndTheirTools) {
    const std::vector<std::tuple<std::string_view, const char *, const char *>> cases{
        {"%PDF-1.7\n%\xE2\xE3\n"sv, "a PDF document", "pdftotext"},
        {"PK\x03\x04\x14\0\0\0[Content_Types].xml ... word/document.xml"sv, "a Word document", "pandoc"},
        {"PK\x03\x04\n\0mimetypeapplication/epub+zipPK"sv, "an EPUB book", "pandoc"},
        {"PK\x03\x04\n\0mimetypeapplication/vnd.oasis.opendocument.textPK"sv, "an OpenDocument document", "pandoc"},
        {"PK\x03\x04\x14\0\0\0[Content_Types].xml ... xl/workbook.xml"sv, "an Office document", "libreoffice"},
        {"PK\x03\x04\x14\0\0\0a.txt"sv, "a ZIP archive", "unzip"},
        {"\x1F\x8B\x08\0"sv, "gzip data", "gunzip"},
        {"\x89PNG\r\n\x1A\n\0\0\0\rIHDR"sv, "a PNG image", "tesseract"},
        {"\xFF\xD8\xFF\xE0\0\x10JFIF"sv, "a JPEG image", "tesseract"},
        {"RIFF\x24\0\0\0WEBPVP8 "sv, "a WebP image", "tesseract"},
        {"GGUF\x03\0\0\0\x10"sv, "a GGUF model", "-m"},
        {"{\\rtf1\\ansi Elena}"sv, "an RTF document", "pandoc"},
    };
    for (const auto & [bytes, name, tool] : cases) {
        const std::string why = why_not_text(bytes).value_or("text");
        EXPECT_THAT(why, StartsWith(name));
        EXPECT_THAT(why, HasSubstr(", not text ("));
        EXPECT_THAT(why, HasSubstr(tool));
    }
}

TEST(NotText, CallsWhatHoldsANulBinary) {
    EXPECT_EQ(why_not_text("\x7F"
                           "ELF\x02\x01\x01\0\0\x01"sv)
                  .value_or("text"),
              "binary data, not text (a NUL byte at offset 7)");
    std::string log(1000, 'x');
    log[500] = '\0';
    EXPECT_EQ(why_not_text(log).value_or("text"), "binary data, not text (a NUL byte at offset 500)");
}

TEST(NotText, CallsUtf8WithNulsBinary) {
    for (const std::string_view bytes :
         {"./a\0./b\0./c\0./d\0"sv, "./src\0./docs\0./caf\u00E9.txt\0"sv, "HOME=/root\0LANG=C\0TERM=xterm\0"sv,
          "one\0two"sv, "{\"a\": \0}"sv, "\u0418\u043C\u044F\0\u0415\u043B\u0435\u043D\u0430\0"sv}) {
        EXPECT_THAT(why_not_text(bytes).value_or("text"), StartsWith("binary data, not text (a NUL byte at offset "))
            << bytes;
    }
    // Half a character at the end of a beginning is not the text's fault.
    EXPECT_THAT(why_not_text("caf\u00E9\0caf\xC3"sv).value_or("text"), StartsWith("binary data"));
}

TEST(NotText, LetsTextPass) {
    for (const std::string_view text :
         {std::string_view(latin), std::string_view(cyrillic), std::string_view(chinese), ""sv, "\uFEFFmarked"sv,
          "PDF, ZIP and GGUF are formats"sv, "BZh and GIF89a are magic numbers"sv, "\x1b[1mbold\x1b[0m"sv, "PK"sv,
          "\xE9 is for others to refuse"sv}) {
        EXPECT_EQ(why_not_text(text).value_or("text"), "text") << text;
    }
}

TEST(NotText, DropsAByteOrderMark) {
    EXPECT_EQ(without_byte_order_mark("\uFEFFtext"), "text");
    EXPECT_EQ(without_byte_order_mark("\uFEFF\uFEFFtext"), "\uFEFFtext");
    EXPECT_EQ(without_byte_order_mark("text\uFEFF"), "text\uFEFF");
    EXPECT_EQ(without_byte_order_mark(""), "");
}

}  // namespace
}  // namespace snapkv::eval

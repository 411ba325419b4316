#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace snapkv::eval {

/// What a file's bytes are where they are clearly not UTF-8 text, and what makes text of them, as the end of an error
/// message: "a PDF document, not text (extract the text with pdftotext)". Knows the other Unicode encodings, with
/// and without a byte order mark, and common formats of documents, archives and images; any other file that holds a
/// NUL byte is binary. What passes need not be valid UTF-8.
[[nodiscard]] std::optional<std::string> why_not_text(std::string_view bytes);

/// The text without a UTF-8 byte order mark at its beginning.
[[nodiscard]] std::string_view without_byte_order_mark(std::string_view text);

/// A file of text that has its own check of each line: without a byte order mark, and refused with Error(Input) only
/// where its beginning is no text.
[[nodiscard]] std::string read_text_file(const std::filesystem::path & path);

}  // namespace snapkv::eval

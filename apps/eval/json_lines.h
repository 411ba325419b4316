#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace snapkv::eval {

/// One object of a JSON-lines file and where it stands. What it reads throws Error(Input) that names file and line, the
/// field, what was found there and what was expected. A null is taken as a field that is not there.
class JsonRecord {
public:
    /// `object` stays the caller's and must outlive the record.
    JsonRecord(std::string file, std::size_t line, const nlohmann::json & object);

    [[nodiscard]] std::size_t line() const { return line_; }
    [[nodiscard]] bool has(std::string_view field) const;

    /// A field of any type, which must be there.
    [[nodiscard]] const nlohmann::json & value(std::string_view field) const;
    [[nodiscard]] std::string text(std::string_view field) const;
    /// A list of at least one text.
    [[nodiscard]] std::vector<std::string> texts(std::string_view field) const;
    [[nodiscard]] std::uint64_t whole_number(std::string_view field) const;
    /// What tells the line from the others: a text or a whole number under the first of these names that is there, else
    /// the number of the line.
    [[nodiscard]] std::string id() const;

    /// The field has another value than `expected` says.
    [[noreturn]] void refuse(std::string_view field, std::string_view expected) const;
    [[noreturn]] void fail(std::string_view what) const;

private:
    std::string file_;
    std::size_t line_;
    const nlohmann::json & object_;
};

/// Calls `take` with each object of a file that has one JSON object a line, in the file's order. Blank lines are passed
/// over; lines may end in CRLF and the last one without a newline. A broken line (no UTF-8, no JSON object, nested more
/// than 32 deep, or refused by `take` with an Error(Input)) throws Error(Input) that names file, line and what is
/// wrong; with `skip_broken` the rest is read all the same, and the messages are what is returned. Throws Error(Input)
/// in any case where the file cannot be read or no line of it can be used.
std::vector<std::string> read_json_lines(const std::filesystem::path & path, bool skip_broken,
                                         const std::function<void(const JsonRecord &)> & take);

}  // namespace snapkv::eval

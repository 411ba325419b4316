#include "eval/json_lines.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "eval/fail.h"
#include "eval/json_fault.h"
#include "eval/not_text.h"
#include "eval/utf8_text.h"
#include "snapkv/error.h"

namespace snapkv::eval {
namespace {

using nlohmann::json;

constexpr int deepest = 32;
constexpr std::size_t longest_quote = 40;

/// Text from a file, fit for one line of a message.
std::string quote(std::string_view text) {
    const std::string begin(text.substr(0, longest_quote));
    const std::string beginning = json(begin).dump(-1, ' ', false, json::error_handler_t::replace);
    return text.size() > longest_quote ? beginning + "..." : beginning;
}

/// What a value is, in a few words.
std::string describe(const json & value) {
    switch (value.type()) {
        case json::value_t::null:
            return "null";
        case json::value_t::string:
            return quote(value.get_ref<const std::string &>());
        case json::value_t::array:
            return value.empty() ? "an empty list" : "a list";
        case json::value_t::object:
            return "an object";
        default:
            return value.dump();
    }
}

/// The object of a line. Throws a text that says what is wrong, as Error(Input) without file and line.
json parsed(const std::string & line) {
    const auto refuse = [](const std::string & what) { input_error("{}", what); };
    if (const std::size_t offset = find_ill_formed(line); offset != std::string::npos) {
        refuse(fmt::format("byte {} of the line is not UTF-8", offset + 1));
    }
    const json::parser_callback_t check_depth = [&](int depth, json::parse_event_t, json &) {
        if (depth > deepest) {
            refuse(fmt::format("nested more than {} levels deep", deepest));
        }
        return true;
    };
    json value;
    try {
        value = json::parse(line, check_depth);
    } catch (const json::parse_error & error) {
        const bool ended = error.byte > line.size();
        const std::string fault = json_fault(error);
        if (!ended && (fault.starts_with("invalid string") || fault.starts_with("invalid number"))) {
            // The token itself is wrong, for instance half a surrogate pair; what stands there would not tell why.
            refuse(fmt::format("byte {} of the line: {}", error.byte, fault));
        }
        refuse(fmt::format("found {} at byte {}, expected a JSON object",
                           ended ? "the end of the line" : quote(std::string_view(line).substr(error.byte - 1)),
                           error.byte));
    } catch (const json::out_of_range &) {
        refuse("a number is out of range");
    }
    if (!value.is_object()) {
        refuse(fmt::format("found {}, expected an object", describe(value)));
    }
    return value;
}

[[noreturn]] void fail_file(const std::string & file, std::string_view what) {
    input_error("{}: {}", file, what);
}

void take_line(const std::string & file, std::size_t number, const std::string & line,
               const std::function<void(const JsonRecord &)> & take) {
    json object;
    try {
        object = parsed(line);
    } catch (const Error & error) {
        fail_file(fmt::format("{}:{}", file, number), error.what());
    }
    take(JsonRecord(file, number, object));
}

}  // namespace

JsonRecord::JsonRecord(std::string file, std::size_t line, const json & object)
    : file_(std::move(file)), line_(line), object_(object) {}

bool JsonRecord::has(std::string_view field) const {
    const auto found = object_.find(std::string(field));
    return found != object_.end() && !found->is_null();
}

const json & JsonRecord::value(std::string_view field) const {
    const auto found = object_.find(std::string(field));
    if (found == object_.end()) {
        fail(fmt::format("the field \"{}\" is missing", field));
    }
    return *found;
}

std::string JsonRecord::text(std::string_view field) const {
    const json & found = value(field);
    if (!found.is_string()) {
        refuse(field, "a string");
    }
    return found.get<std::string>();
}

std::vector<std::string> JsonRecord::texts(std::string_view field) const {
    const json & found = value(field);
    if (!found.is_array() || found.empty()) {
        refuse(field, "a list of at least one string");
    }
    std::vector<std::string> result;
    for (const json & element : found) {
        if (!element.is_string()) {
            fail(fmt::format("field \"{}\": found {} in the list, expected only strings", field, describe(element)));
        }
        result.push_back(element.get<std::string>());
    }
    return result;
}

std::uint64_t JsonRecord::whole_number(std::string_view field) const {
    const json & found = value(field);
    if (!found.is_number_unsigned()) {
        refuse(field, "a non-negative whole number");
    }
    return found.get<std::uint64_t>();
}

std::string JsonRecord::id() const {
    for (const std::string_view field : {"_id", "id", "index"}) {
        if (has(field)) {
            return value(field).is_string() ? text(field) : std::to_string(whole_number(field));
        }
    }
    return std::to_string(line_);
}

void JsonRecord::refuse(std::string_view field, std::string_view expected) const {
    fail(fmt::format("field \"{}\": found {}, expected {}", field, describe(value(field)), expected));
}

void JsonRecord::fail(std::string_view what) const {
    fail_file(fmt::format("{}:{}", file_, line_), what);
}

std::vector<std::string> read_json_lines(const std::filesystem::path & path, bool skip_broken,
                                         const std::function<void(const JsonRecord &)> & take) {
    const std::string name = path.string();
    std::istringstream text(read_text_file(path));
    std::vector<std::string> skipped;
    std::string line;
    std::size_t taken = 0;
    for (std::size_t number = 1; std::getline(text, line); ++number) {
        if (line.find_first_not_of(" \t\r") == std::string::npos) {
            continue;
        }
        try {
            take_line(name, number, line, take);
            ++taken;
        } catch (const Error & error) {
            if (!skip_broken || error.kind() != ErrorKind::Input) {
                throw;
            }
            skipped.emplace_back(error.what());
        }
    }
    if (taken == 0 && skipped.empty()) {
        fail_file(name, "contains no lines; expected one JSON object per line");
    }
    if (taken == 0) {
        input_error("{} (and no other line can be used)", skipped.front());
    }
    return skipped;
}

}  // namespace snapkv::eval

#include "text/stream.h"

#include <algorithm>
#include <utility>

#include "text/utf8.h"

namespace snapkv::text {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

/// Bytes at the end of `text` that may be the beginning of `wanted`, but are not all of it.
std::size_t beginning_at_end(std::string_view text, std::string_view wanted) {
    for (std::size_t n = std::min(text.size(), wanted.size() - 1); n > 0; --n) {
        if (text.ends_with(wanted.substr(0, n))) {
            return n;
        }
    }
    return 0;
}

}  // namespace

std::string Utf8Stream::push(std::string_view bytes) {
    pending_ += bytes;
    std::string whole;
    std::size_t offset = 0;
    while (offset < pending_.size()) {
        const std::string_view rest = std::string_view(pending_).substr(offset);
        const Utf8Unit unit = first_unit(rest);
        if (unit.kind == Utf8Unit::Kind::Unfinished) {
            break;
        }
        whole += unit.kind == Utf8Unit::Kind::Whole ? rest.substr(0, unit.bytes) : replacement;
        offset += unit.bytes;
    }
    pending_.erase(0, offset);
    return whole;
}

std::string Utf8Stream::finish() {
    // What is held back is always one unfinished character, so it becomes one replacement.
    const bool unfinished = !std::exchange(pending_, {}).empty();
    return std::string(unfinished ? replacement : std::string_view{});
}

StopStrings::StopStrings(std::vector<std::string> strings) : strings_(std::move(strings)) {
    std::erase_if(strings_, [](const std::string & string) { return string.empty(); });
}

StopStrings::Result StopStrings::push(std::string_view text) {
    pending_ += text;

    // The string that is complete first wins, and of two that end together the longer one: so the outcome does not
    // depend on how the text was cut into pieces.
    std::size_t begin = std::string::npos;
    std::size_t end = std::string::npos;
    for (const std::string & string : strings_) {
        const std::size_t found = pending_.find(string);
        if (found == std::string::npos) {
            continue;
        }
        const std::size_t found_end = found + string.size();
        if (found_end < end || (found_end == end && found < begin)) {
            begin = found;
            end = found_end;
        }
    }
    if (begin != std::string::npos) {
        pending_.resize(begin);
        return {.text = std::exchange(pending_, {}), .stopped = true};
    }

    std::size_t held = 0;
    for (const std::string & string : strings_) {
        held = std::max(held, beginning_at_end(pending_, string));
    }
    Result result{.text = pending_.substr(0, pending_.size() - held)};
    pending_.erase(0, pending_.size() - held);
    return result;
}

std::string StopStrings::finish() {
    return std::exchange(pending_, {});
}

}  // namespace snapkv::text

#include "gguf/split.h"

#include <fmt/core.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "base/raise.h"
#include "gguf/tensor_table.h"
#include "gguf/values.h"

namespace snapkv::gguf {
namespace {

constexpr std::string_view number_key = "split.no";
constexpr std::string_view count_key = "split.count";
constexpr std::string_view tensors_key = "split.tensors.count";

/// libllama takes these numbers in one type each, and aborts on others.
std::optional<std::int64_t> find_number(const ParsedFile & file, std::string_view key, gguf_type type) {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) {
        return std::nullopt;
    }
    const Value & value = found->second;
    if (value.is_array || value.type != type) {
        raise_input("{}: key '{}' is {}, expected {}", file.path.string(), key, value.kind(), gguf_type_name(type));
    }
    return integers_of(value).value().front();
}

std::int64_t get_number(const ParsedFile & file, std::string_view key, gguf_type type, std::string_view expected) {
    const std::optional<std::int64_t> number = find_number(file, key, type);
    if (!number) {
        raise_input("{}: key '{}' is missing, expected {}", file.path.string(), key, expected);
    }
    return *number;
}

void check_number(const ParsedFile & file, std::string_view key, std::int64_t right, std::string_view why) {
    const std::string expected = fmt::format("{}, {}", right, why);
    const std::int64_t found = get_number(file, key, GGUF_TYPE_UINT16, expected);
    if (found != right) {
        raise_input("{}: key '{}' is {}, expected {}", file.path.string(), key, found, expected);
    }
}

/// How the name of a part ends; parts are counted from 0, in names from 1.
std::string ending(std::int64_t part, std::int64_t count) {
    return fmt::format("-{:05}-of-{:05}.gguf", part + 1, count);
}

/// The paths of all parts up to their endings: that of one part without its own.
std::optional<std::string> common_beginning(const ParsedFile & file, std::int64_t part, std::int64_t count) {
    const std::string path = file.path.string();
    const std::string end = ending(part, count);
    return path.size() > end.size() && path.ends_with(end) ? std::optional(path.substr(0, path.size() - end.size()))
                                                           : std::nullopt;
}

/// The common beginning, once `file` has turned out to be the first part.
std::string beginning_of_first(const ParsedFile & file, std::int64_t count) {
    const std::int64_t part = get_number(file, number_key, GGUF_TYPE_UINT16, "0, the first shard");
    const std::optional<std::string> beginning = common_beginning(file, part, count);
    if (part != 0) {
        raise_input("{}: key '{}' is {}, expected 0: pass the first shard, {}{}", file.path.string(), number_key, part,
                    beginning.value_or("a file that ends in "), ending(0, count));
    }
    if (!beginning) {
        raise_input("{}: key '{}' is {}, expected a file name that ends in {}, so that the other shards can be found",
                    file.path.string(), count_key, count, ending(0, count));
    }
    return *beginning;
}

void check_tensor_count(const std::deque<ParsedFile> & parts) {
    const ParsedFile & first = parts.front();
    std::uint64_t found = 0;
    for (const ParsedFile & part : parts) {
        found += part.tensors.size();
    }
    const std::int64_t said = get_number(first, tensors_key, GGUF_TYPE_INT32, "the number of tensors in all shards");
    if (said < 0 || static_cast<std::uint64_t>(said) != found) {
        raise_input("{}: key '{}' is {}, expected {}, the total of the {} shards", first.path.string(), tensors_key,
                    said, found, parts.size());
    }
    if (found > most_tensors) {
        raise_input("{}: key '{}' is {}, expected at most {}", first.path.string(), tensors_key, said, most_tensors);
    }
}

}  // namespace

std::deque<ParsedFile> open_parts(const std::filesystem::path & path) {
    std::deque<ParsedFile> parts;
    const ParsedFile & first = parts.emplace_back(path);
    const std::int64_t count = find_number(first, count_key, GGUF_TYPE_UINT16).value_or(1);
    if (count <= 1) {
        return parts;
    }
    const std::string beginning = beginning_of_first(first, count);
    for (std::int64_t part = 1; part < count; ++part) {
        const std::filesystem::path other = beginning + ending(part, count);
        std::error_code ignored;
        if (!std::filesystem::exists(other, ignored)) {
            raise_input("{}: missing, expected a shard of {}, whose key '{}' is {}", other.string(), path.string(),
                        count_key, count);
        }
        const ParsedFile & file = parts.emplace_back(other);
        check_number(file, number_key, part, "by the file's name");
        check_number(file, count_key, count, fmt::format("as in {}", path.string()));
    }
    check_tensor_count(parts);
    return parts;
}

}  // namespace snapkv::gguf

#pragma once

#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "numbers.h"
#include "option_table.h"
#include "words.h"

namespace snapkv::cli {

/// The values of a list that commas separate, each as `read(option, part)` reads it. A list that is empty or has an
/// empty part is an error.
template <typename Read>
[[nodiscard]] auto read_list(Name name, const Value & list, const Read & read) {
    std::vector<decltype(read(name, list))> values;
    for (std::size_t begin = 0; begin <= list.size();) {
        const std::size_t end = std::min(list.find(',', begin), list.size());
        values.push_back(read(name, non_empty(name, list.substr(begin, end - begin))));
        begin = end + 1;
    }
    return values;
}

[[nodiscard]] inline std::vector<std::uint32_t> read_counts(Name name, const Value & list, std::uint32_t least = 0) {
    return read_list(name, list, [least](Name option, const Value & part) { return read_count(option, part, least); });
}

template <typename Words>
[[nodiscard]] auto read_words(const Words & words, Name name, const Value & list) {
    return read_list(name, list, [&words](Name option, const Value & part) { return from_word(words, option, part); });
}

/// The values as they would be typed, each as `text` writes it.
template <typename Values, typename Text>
[[nodiscard]] std::string joined(const Values & values, const Text & text) {
    std::vector<std::string> list;
    for (const auto & value : values) {
        list.push_back(text(value));
    }
    return fmt::format("{}", fmt::join(list, ","));
}

[[nodiscard]] inline std::string counts_text(const std::vector<std::uint32_t> & counts) {
    return fmt::format("{}", fmt::join(counts, ","));
}

}  // namespace snapkv::cli

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace snapkv::eval {

/// LongBench's classification score, for trec: one over the number of classes that the prediction names, where the
/// reference is among them; 0 else. Classes that are a part of the reference's own name do not count, but as the
/// original passes over the class that follows one that it removes, so does this.
[[nodiscard]] double classification_score(std::string_view prediction, std::string_view reference,
                                          std::span<const std::string> classes);

/// The share of the prediction's numbers that are the reference, a number; 0 where there are none. LongBench's count
/// score, for passage_count.
[[nodiscard]] double count_score(std::string_view prediction, std::string_view reference);

/// The number that follows the first "Paragraph " with a number after it.
[[nodiscard]] std::optional<std::u32string> paragraph_number(std::string_view reference);

/// The count score against the reference's paragraph number: LongBench's retrieval score, for passage_retrieval_en. 0
/// where the reference has no such number (the original stops there).
[[nodiscard]] double retrieval_score(std::string_view prediction, std::string_view reference);

}  // namespace snapkv::eval

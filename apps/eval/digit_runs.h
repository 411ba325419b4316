#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace snapkv::eval {

/// The numbers of a text as it writes them: all runs of decimal digits, what Python's re.findall("\\d+") finds.
[[nodiscard]] std::vector<std::u32string> digit_runs(std::string_view text);

}  // namespace snapkv::eval

#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report.h"

namespace snapkv::cli {

using Json = nlohmann::ordered_json;

/// The object that `run --json` prints.
[[nodiscard]] Json run_json(const Report & report);
/// The object that `run --dry-run --json` prints.
[[nodiscard]] Json estimate_json(const Estimate & estimate);

/// The kept positions of one sequence, for --dump-kept.
struct Kept {
    std::uint64_t prompt_tokens = 0;
    KeptPositions layers;
};
/// One object, or with several questions an object of them.
[[nodiscard]] Json kept_json(const std::vector<Kept> & kept, bool several);

/// The text of a JSON value; strings that are not UTF-8 are repaired rather than refused.
[[nodiscard]] std::string json_text(const Json & json);
/// The same on standard output, with a newline.
void print_json(const Json & json);

}  // namespace snapkv::cli

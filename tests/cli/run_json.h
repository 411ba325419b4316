#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "process.h"

namespace snapkv::cli::test {

/// `snapkv run` with the demonstration model, which must succeed.
inline Outcome run(const std::vector<std::string> & rest, const std::string & input = {}) {
    Outcome outcome = run_snapkv(with_model("run", rest), input);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome;
}

/// The one line that it prints with --json.
inline nlohmann::json run_json(std::vector<std::string> rest, const std::string & input = {}) {
    rest.emplace_back("--json");
    const Outcome outcome = run(rest, input);
    EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1) << outcome.out;
    return nlohmann::json::parse(outcome.out);
}

}  // namespace snapkv::cli::test

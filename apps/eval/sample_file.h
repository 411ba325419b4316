#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "eval/json_lines.h"
#include "eval/sample.h"

namespace snapkv::eval {

/// What a data set's file gave.
struct SampleFile {
    std::vector<Sample> samples;       ///< in the file's order, at least one
    std::vector<std::string> skipped;  ///< what is wrong with each line that was left out
    /// How many samples are all document, because it cannot be told where their question begins: their question is
    /// empty, so that nothing can be hidden from a vote.
    std::size_t undivided = 0;
};

/// One sample a line, as `make` reads it. Throws Error(Input) like read_json_lines, and for an id that an earlier line
/// has, which with `skip_broken` leaves the later one out.
[[nodiscard]] SampleFile read_samples(const std::filesystem::path & path, bool skip_broken,
                                      const std::function<Sample(const JsonRecord &)> & make);

}  // namespace snapkv::eval

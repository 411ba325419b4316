#pragma once

#include <filesystem>

#include "eval/sample_file.h"

namespace snapkv::eval {

/// Reads LongEval's line retrieval (Li et al., 2023) in its official JSON lines: `prompt`, `expected_number`,
/// `num_lines`, `random_idx` (the asked line's name and number, from 0). The document is the record of lines; the
/// question begins at the newline before "Now the record is over". The answer is the number, its beginning that of the
/// asked line; the place of a sample is
/// {"lines", their number} and {"depth", 0 for the first line to 1 for the last}; ids are LINES-LINE OF THE FILE, so
/// that the files of several lengths go together. Throws Error(Input) like read_samples.
[[nodiscard]] SampleFile read_longeval(const std::filesystem::path & path, bool skip_broken);

}  // namespace snapkv::eval

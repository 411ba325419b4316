#pragma once

#include <filesystem>

#include "eval/metrics.h"
#include "eval/sample_file.h"

namespace snapkv::eval {

struct RulerFile {
    SampleFile file;
    Metric metric = Metric::MatchAll;  ///< MatchPart for questions about documents
};

/// Reads one task of RULER (Hsieh et al., 2024) in its official JSON lines: `input`, `outputs`, `index`. Which kind of
/// task it is, and with it where the document ends, the metric and the length of answers, is told from the wording of
/// the question; all samples must be of one kind. The beginning of the answer is `answer_prefix`, or is cut from the
/// end of `input` where older files have it. An input of no known kind is all document, gets 128 tokens and MatchAll.
/// Throws Error(Input) like read_samples.
[[nodiscard]] RulerFile read_ruler(const std::filesystem::path & path, bool skip_broken);

}  // namespace snapkv::eval

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "eval/experiment.h"
#include "eval/longbench_sets.h"
#include "eval/sample_file.h"

namespace snapkv::eval {

/// Reads JSON lines of one set, each in one of two formats.
///  - Official: `context`, `input`, `answers`, `all_classes`, put into the official prompt. The document is that up to
///    the end of the context.
///  - Ready prompts: `prompt`, `answers`, `all_classes`. The document is the prompt up to where the set's question
///    begins, with what the official prompt has around it; of repobench-p, up to the request for the next line.
/// Samples of LongBench-E (a file NAME_e.jsonl) have the place "length": the group that their `length` is in.
/// Ids are `_id`, `id`, `index` or the line's number. Throws Error(Input) like read_samples, for answers that the set's
/// metric cannot use, and for lines whose `dataset` names another set.
[[nodiscard]] SampleFile read_longbench(const std::filesystem::path & path, const LongBenchSet & set, bool skip_broken);

/// The groups of length, in words, that LongBench-E reports scores of, by what they begin with: "0-4k" for 0, "4-8k"
/// for 4,000 and "8k+" for 8,000.
[[nodiscard]] std::string length_group_text(double begin);

/// The set's samples as they are asked and scored officially. Official generation for samsum ends at a newline that is
/// not its first token; ours goes on, and its first line is scored.
[[nodiscard]] Part longbench_part(const LongBenchSet & set, std::vector<Sample> samples);

}  // namespace snapkv::eval

#pragma once

#include <filesystem>
#include <vector>

#include "eval/experiment.h"
#include "input.h"
#include "settings.h"

namespace snapkv::cli {

/// The data files that the task reads: what --data names, of folders the JSON lines in them; of longbench only those
/// that are named after a set that is asked for. Sorted within a folder. Throws Error(Input) where there are none.
[[nodiscard]] std::vector<std::filesystem::path> data_files(const Settings & settings);

/// For the time before anything is written. Throws Error(Usage) where the settings lack what the task needs or name
/// parts of it that there are not, Error(Input) for prompts that a context of `context` tokens does not hold.
void check_asked(const Settings & settings, const Document & document, std::uint32_t context);

/// The samples of the task that the settings name, made or read, for a session with a context of `context` tokens;
/// `document` is what -f names. What check_asked() checks is taken as checked. Says which lines of data files were
/// skipped. Throws Error.
[[nodiscard]] std::vector<eval::Part> eval_parts(const Settings & settings, const Model & model, std::uint32_t context,
                                                 const Document & document);

}  // namespace snapkv::cli

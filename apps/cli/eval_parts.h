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

/// The samples of the task that the settings name, made or read, for a session with a context of `context` tokens;
/// `document` is what -f names. Says which lines of data files were skipped. Throws Error.
[[nodiscard]] std::vector<eval::Part> eval_parts(const Settings & settings, const Model & model, std::uint32_t context,
                                                 const Document & document);

}  // namespace snapkv::cli

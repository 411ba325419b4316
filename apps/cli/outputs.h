#pragma once

#include <filesystem>

#include "settings.h"

namespace snapkv::cli {

/// For the time before anything is read. Throws Error(Usage) where a file that the settings write is also one that they
/// read (save for a saved sequence that goes on under its own name), or is written twice, or stands there and is of
/// another kind than what would take its place; Error(Machine) where it could not be written.
void check_outputs(const Settings & settings);

/// The same for the files of an experiment in `folder`: they replace those of an earlier run of theirs, which has left
/// its results.jsonl there with at least a heading in it, and nothing else.
void check_experiment_folder(const Settings & settings, const std::filesystem::path & folder);

}  // namespace snapkv::cli

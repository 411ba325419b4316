#pragma once

#include <vector>

#include "eval/experiment.h"
#include "settings.h"

namespace snapkv::cli {

/// The samples of the task that the settings name, made or read, for a session with a context of `context` tokens. Says
/// which lines of data files were skipped. Throws Error.
[[nodiscard]] std::vector<eval::Part> eval_parts(const Settings & settings, const Model & model, std::uint32_t context);

}  // namespace snapkv::cli

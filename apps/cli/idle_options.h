#pragma once

#include <string>
#include <vector>

#include "settings.h"

namespace snapkv::cli {

/// One sentence for each reason why options that were given would change nothing.
[[nodiscard]] std::vector<std::string> idle_options(const Settings & settings);

/// Warns of options that change nothing beside the others. Throws Error(Usage) for those that belong to another task of
/// `eval` or another part of `observe`: there whoever gives them expects another experiment.
void check_idle_options(const Settings & settings);

}  // namespace snapkv::cli

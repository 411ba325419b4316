#pragma once

#include <string>

#include "experiment_folder.h"
#include "settings.h"
#include "snapkv/session.h"

namespace snapkv::cli {

/// `snapkv eval fidelity`: pieces of the text as prompts, each followed by all caches. False where it was interrupted.
bool follow_all(const Settings & settings, Session & session, const std::string & text, ExperimentFolder & folder);

}  // namespace snapkv::cli

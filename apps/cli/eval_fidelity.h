#pragma once

#include <string>

#include "experiment_folder.h"
#include "settings.h"
#include "snapkv/session.h"

namespace snapkv::cli {

/// For the time before anything is written. Throws Error(Usage) for settings that fidelity can do nothing with or that
/// name no text, Error(Input) for prompts that a context of `context` tokens does not hold.
void check_fidelity(const Settings & settings, const Document & document, std::uint32_t context);

/// `snapkv eval fidelity`, with what check_fidelity() has passed: pieces of the text as prompts, each followed by all
/// caches. False where it was interrupted.
bool follow_all(const Settings & settings, Session & session, const std::string & text, ExperimentFolder & folder);

}  // namespace snapkv::cli

#pragma once

#include <string>

namespace snapkv::cli {

/// What the system calls the processor, for results; "unknown" where it does not say.
[[nodiscard]] std::string processor_name();

}  // namespace snapkv::cli

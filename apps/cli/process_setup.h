#pragma once

namespace snapkv::cli {

/// For the beginning of main(), before any file is opened. Standard input, output and error that are closed become
/// /dev/null, so that no file gets their numbers and with them what is printed. A broken pipe and a limit on the size
/// of files become errors of the call at hand instead of signals that end the process.
void set_up_process();

}  // namespace snapkv::cli

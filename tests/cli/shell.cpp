#include "shell.h"

#include <fmt/format.h>

namespace snapkv::cli::test {

Outcome run_shell(const Folder & folder, const std::string & script) {
    const std::string variables =
        fmt::format("snapkv='{}'\nmodel='{}'\nhere='{}'\n", SNAPKV_PROGRAM, SNAPKV_TEST_MODEL, folder.file(""));
    return run_command({"/bin/bash", "-c", variables + script});
}

}  // namespace snapkv::cli::test

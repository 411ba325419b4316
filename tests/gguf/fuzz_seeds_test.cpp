#include <gtest/gtest.h>

#include <filesystem>

#include "gguf/file.h"
#include "gguf/libllama_load.h"
#include "snapkv/error.h"

namespace snapkv::gguf {
namespace {

/// The fuzzer's seeds, past crashes among them, are refused or load: here also where there is no fuzzer.
TEST(FuzzSeeds, AreRefusedOrLoad) {
    int loaded = 0;
    const std::filesystem::path folder = std::filesystem::path(SNAPKV_TEST_DATA).parent_path() / "fuzz/corpus/gguf";
    for (const auto & entry : std::filesystem::directory_iterator(folder)) {
        try {
            check_vocabulary(File::open(entry.path()));
        } catch (const Error &) {
            continue;
        }
        loaded += test::loads_in_libllama(entry.path()) ? 1 : 0;
    }
    EXPECT_GE(loaded, 18);
}

}  // namespace
}  // namespace snapkv::gguf

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "model/family.h"
#include "model/loading.h"

namespace snapkv {
namespace {

const std::filesystem::path & seeds() {
    static const auto folder = std::filesystem::path(SNAPKV_TEST_DATA).parent_path() / "fuzz/corpus/gguf";
    return folder;
}

/// The fuzzer's seeds, past crashes among them, are refused or load: here also where there is no fuzzer.
TEST(FuzzSeeds, AreRefusedOrLoad) {
    for (const auto & entry : std::filesystem::directory_iterator(seeds())) {
        try {
            test::load(entry.path());
        } catch (const Error & error) {
            EXPECT_EQ(error.kind(), ErrorKind::Input) << error.what();
        }
    }
}

TEST(FuzzSeeds, LoadForEveryFamily) {
    for (const model::Family * family : model::families()) {
        const std::filesystem::path path = seeds() / ("family-" + std::string(family->name));
        EXPECT_EQ(test::load(path).architecture, family->name);
    }
}

}  // namespace
}  // namespace snapkv

#pragma once

#include <cstdlib>

namespace snapkv::test {

/// Whether tests are to take as much text as their bounds deserve, which scripts/nightly asks for by
/// SNAPKV_TEST_LONG_TEXTS.
inline bool long_texts() {
    return std::getenv("SNAPKV_TEST_LONG_TEXTS") != nullptr;
}

}  // namespace snapkv::test

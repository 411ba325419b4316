#pragma once

#include <cstddef>
#include <string>

namespace snapkv::test {

/// English prose of at least `bytes` bytes: the 21 KB of tests/data/essays.txt, then the same paragraphs again in other
/// orders, so that more than that is not all new text. A chunk of 512 tokens seldom holds one of them twice.
std::string english(std::size_t bytes);

}  // namespace snapkv::test

#pragma once

#include <string_view>
#include <vector>

#include "text/vocabulary.h"

namespace snapkv::text {

/// A part of a text: what a special token stands for, or plain text without one.
struct Part {
    std::string_view text;  ///< views the partitioned text; never empty
    const Special * special = nullptr;
};

enum class Wanted { UserDefined, All };
enum class Spaces { Kept, Swallowed };  ///< by the tokens that swallow white space beside them

/// Cuts a text at its special tokens as libllama does, longer tokens before shorter ones and none within a longer one,
/// but in linear time: libllama walks its list of parts from the beginning for each part. Throws Error(Interrupted)
/// once the vocabulary is to stop.
std::vector<Part> partition(const Vocabulary & vocabulary, std::string_view text, Wanted wanted, Spaces spaces);

std::string_view without_leading_space(std::string_view text);
std::string_view without_trailing_space(std::string_view text);

}  // namespace snapkv::text

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gguf/writer.h"

namespace snapkv::test {

/// A vocabulary of some three hundred tokens that libllama loads, to be spoiled before it is written.
struct TinyVocabulary {
    std::string model;
    std::string pre;
    std::vector<std::string> tokens;
    std::vector<std::int32_t> types;
    std::vector<float> scores;
    std::vector<std::string> merges;

    static TinyVocabulary bpe();  ///< GPT-2's byte alphabet, a few merges, two control tokens
    static TinyVocabulary spm();  ///< three control tokens, all bytes, a few words

    void add(const std::string & token, std::int32_t type, float score = 0.0F);
    /// Everything but bos, eos and what else the test adds.
    [[nodiscard]] Writer written() const;
};

}  // namespace snapkv::test

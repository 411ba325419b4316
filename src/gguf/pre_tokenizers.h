#pragma once

#include <span>
#include <string_view>

namespace snapkv::gguf {

/// What libllama derives from the name of a BPE vocabulary's pre-tokenizer, as far as it decides whether a vocabulary
/// is safe to load.
struct PreTokenizer {
    enum class Bos { Off, On, Always };  ///< the default, or against the file's own word

    std::string_view name;
    Bos adds_bos = Bos::Off;
    bool default_bos = true;  ///< takes token 11 where the file names no begin-of-text token
    bool needs_merges = true;
};

/// Those that libllama knows and that are safe with it.
std::span<const PreTokenizer> pre_tokenizers();

/// Null where the name is not among them.
const PreTokenizer * find_pre_tokenizer(std::string_view name);

}  // namespace snapkv::gguf

#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct llama_model;
struct llama_vocab;

namespace snapkv::text {

using Token = std::int32_t;

/// libllama's tokenizer over a file's vocabulary. gguf::check_vocabulary must have passed on the file before. Const
/// members may be called from several threads.
class Vocabulary {
public:
    /// Throws Error(Input) where libllama refuses the file.
    static Vocabulary load(const std::filesystem::path & path);

    [[nodiscard]] std::vector<Token> tokenize(std::string_view text, bool add_special, bool parse_special) const;
    /// The token's bytes; control tokens give their text where `special`, else nothing.
    [[nodiscard]] std::string piece(Token token, bool special = false) const;
    [[nodiscard]] bool is_end_of_generation(Token token) const;
    /// Whether the token marks what a text is made of, so that plain text may not hold it.
    [[nodiscard]] bool is_control(Token token) const;
    [[nodiscard]] bool adds_bos() const;
    [[nodiscard]] std::int32_t size() const;
    [[nodiscard]] const llama_vocab * raw() const;
    [[nodiscard]] const llama_model * model() const;  ///< vocabulary only: no weights, shape getters unset

private:
    struct Free {
        void operator()(llama_model * model) const;
    };
    std::shared_ptr<llama_model> model_;
};

}  // namespace snapkv::text

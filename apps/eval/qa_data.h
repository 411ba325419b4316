#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace snapkv::eval {

/// Questions about paragraphs of one collection.
struct QaData {
    struct Question {
        std::string text;
        std::vector<std::string> answers;  ///< each of them right; at least one, none empty
        std::vector<std::size_t> context;  ///< paragraphs that the answer comes from; at least one
        std::vector<std::size_t> related;  ///< other paragraphs of the same article, where the file tells
    };
    std::string name;                     ///< of the file, for messages
    std::vector<std::string> paragraphs;  ///< sorted, none twice
    std::vector<Question> questions;      ///< in the file's order
};

/// SQuAD's JSON, version 1.1 or 2.0; questions marked impossible are left out. Throws Error(Input), which names the
/// file and the place within it, where it is not that, and where no question is left.
[[nodiscard]] QaData read_squad(const std::filesystem::path & file);

/// HotpotQA's JSON, the distractor or full-wiki setting; a paragraph begins with its title on a line of its own. Throws
/// likewise.
[[nodiscard]] QaData read_hotpotqa(const std::filesystem::path & file);

}  // namespace snapkv::eval

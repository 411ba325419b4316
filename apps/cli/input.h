#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "settings.h"

namespace snapkv::cli {

/// A document and what it was read from.
struct Document {
    struct Source {
        std::string name;         ///< as messages name it
        std::size_t end = 0;      ///< one past its last byte in `text`
        std::size_t skipped = 0;  ///< bytes of a mark at its beginning, which are not there
    };
    std::string text;
    std::vector<Source> sources;

    void add(std::string name, std::string bytes);
    /// What source `index` gave.
    [[nodiscard]] std::string_view part(std::size_t index) const;
    /// Throws Error(Input) where the text is not UTF-8, with the source that has the first bad byte and its offset
    /// there. A character may begin in one source and end in the next: they are joined with nothing between.
    void require_utf8() const;
};

/// The files one after the other ("-" is standard input), or the prompt; where neither is given standard input, if it
/// is a pipe, a socket or a file, which a note says; else nothing, which only a question allows. Byte order marks are
/// dropped. Throws Error(Usage) where both are given and where there is nothing at all; Error(Input) for a source that
/// cannot be read, is empty, or is not UTF-8 text, with its name.
[[nodiscard]] Document read_sources(const Settings & settings);

/// What --system-prompt and its file say; nothing where neither is given. Throws Error(Input) for a file that cannot be
/// read, is empty or is not UTF-8 text.
[[nodiscard]] std::optional<std::string> read_system_prompt(const Settings & settings);

/// The grammar that --grammar, a JSON schema or their files give; empty without one. Throws likewise, and as
/// Model::schema_grammar() and Model::check_grammar() do.
[[nodiscard]] std::string read_grammar(const Settings & settings, const Model & model);

/// As the system prompt, of --chat-template; empty where the model file's is meant.
[[nodiscard]] std::string read_chat_template(const Settings & settings);

/// Their text.
[[nodiscard]] std::string read_document(const Settings & settings);

}  // namespace snapkv::cli

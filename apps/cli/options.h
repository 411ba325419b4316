#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "settings.h"

namespace snapkv::cli {

/// A set of commands, one bit each.
using Commands = unsigned;

template <typename... Each>
[[nodiscard]] constexpr Commands in(Each... command) {
    return ((1U << static_cast<unsigned>(command)) | ...);
}

/// Headings under which help and documentation list options.
enum class Section { Prompt, Answer, Tests, Experiment, Cache, MadeModel, Output, Machine, General };

/// What the value of an option names: nothing in the file system, what a run reads, or what kind of file it writes.
enum class Files { None, Input, SavedCache, JsonFile, Html, Model, Folder };

/// One row of the table that makes the parser, --help, docs/cli.md, the completion scripts, the printed configuration
/// and the `kv` object of the JSON output.
struct Option {
    /// As typed, short before long. A name without a dash is a positional argument.
    std::vector<std::string> names;
    std::string placeholder = {};  ///< what stands for the value; empty for a switch
    std::string help = {};         ///< one sentence or two, without a full stop at the end
    Section section = Section::General;
    Commands commands = 0;
    /// Takes one given value over into the settings; throws Error(Usage).
    void (*read)(Settings &, std::string_view name, const std::string & value) = nullptr;
    /// The value in force as it would be typed; empty for none. What it says of the default settings is the default
    /// that the documentation names.
    std::string (*show)(const Settings &) = nullptr;
    std::vector<std::string> words = {};  ///< all values that are allowed, where they are words
    bool repeatable = false;
    Files files = Files::None;
    /// The files in force, where the option names any; those that are not given may be empty.
    std::vector<std::filesystem::path> (*paths)(const Settings &) = nullptr;
    /// The value in force after a prefill, where the option belongs to the cache's configuration.
    nlohmann::ordered_json (*report)(const CacheStats &) = nullptr;

    [[nodiscard]] bool serves(Command command) const { return (commands & in(command)) != 0; }
    [[nodiscard]] bool positional() const { return !names.front().starts_with('-'); }
    [[nodiscard]] bool names_files() const { return files != Files::None; }
    [[nodiscard]] bool takes_value() const { return !placeholder.empty(); }
    [[nodiscard]] const std::string & long_name() const { return names.back(); }
    /// The key in JSON: the name without "--kv-".
    [[nodiscard]] std::string json_key() const {
        std::string key = long_name().substr(5);
        std::replace(key.begin(), key.end(), '-', '_');
        return key;
    }
};

/// What a command is, for help and documentation.
struct CommandInfo {
    Command command;
    std::string name;
    std::string synopsis;
    std::string summary;  ///< a phrase, for lists
    std::string details;  ///< paragraphs of Markdown that also read well as plain text
    bool hidden = false;
};

[[nodiscard]] const std::vector<Option> & options();
[[nodiscard]] const std::vector<CommandInfo> & commands();
[[nodiscard]] const CommandInfo & command_info(Command command);
[[nodiscard]] std::string_view section_title(Section section);
/// The sections in the order in which they are listed.
[[nodiscard]] std::vector<Section> sections();

/// "-n, --n-predict N", or "MODEL" for a positional argument.
[[nodiscard]] std::string spelling(const Option & option);
/// The default of the option under a command, as typed; empty for none.
[[nodiscard]] std::string default_text(const Option & option, Command command);
/// All options in force, as typed, for --verbose.
[[nodiscard]] std::string configuration(const Settings & settings);

}  // namespace snapkv::cli

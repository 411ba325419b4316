#include "options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>

namespace snapkv::cli {

const CommandInfo & command_info(Command command) {
    const auto found =
        std::find_if(commands().begin(), commands().end(), [&](const auto & info) { return info.command == command; });
    assert(found != commands().end());
    return *found;
}

std::string_view section_title(Section section) {
    switch (section) {
        case Section::Prompt:
            return "Prompt";
        case Section::Answer:
            return "Answer";
        case Section::Tests:
            return "Tests";
        case Section::Experiment:
            return "Experiment";
        case Section::Cache:
            return "Cache";
        case Section::MadeModel:
            return "Model to make";
        case Section::Output:
            return "Output";
        case Section::Machine:
            return "Model and machine";
        case Section::General:
            break;
    }
    return "General";
}

std::vector<Section> sections() {
    return {Section::Prompt,    Section::Answer, Section::Tests,   Section::Experiment, Section::Cache,
            Section::MadeModel, Section::Output, Section::Machine, Section::General};
}

std::string spelling(const Option & option) {
    if (option.positional()) {
        return option.names.front();
    }
    std::string text = fmt::format("{}", fmt::join(option.names, ", "));
    if (option.takes_value()) {
        text += " " + option.placeholder;
    }
    return text;
}

std::string default_text(const Option & option, Command command) {
    return option.show != nullptr ? option.show(default_settings(command)) : std::string();
}

std::string configuration(const Settings & settings) {
    std::string text;
    for (const Option & option : options()) {
        if (!option.serves(settings.command) || option.show == nullptr) {
            continue;
        }
        if (const std::string value = option.show(settings); !value.empty()) {
            text += fmt::format("{}{} {}", text.empty() ? "" : " ", option.long_name(), value);
        }
    }
    return text;
}

}  // namespace snapkv::cli

#include "help.h"

#include <fmt/ranges.h>

#include "format.h"
#include "options.h"

namespace snapkv::cli {
namespace {

constexpr std::size_t columns = 100;
constexpr std::size_t indent = 28;

std::string row(const std::string & left, const std::string & right) {
    const std::string text = wrapped(right, columns - indent, indent);
    return left.size() + 4 > indent ? fmt::format("  {}\n{:{}}{}\n", left, "", indent, text)
                                    : fmt::format("  {:<{}}{}\n", left, indent - 2, text);
}

std::string explain(const Option & option, Command command) {
    std::string text = option.help;
    if (!option.words.empty()) {
        text += fmt::format(" ({})", fmt::join(option.words, ", "));
    }
    if (const std::string value = default_text(option, command); !value.empty()) {
        text += fmt::format(" [{}]", value);
    }
    return text;
}

}  // namespace

std::string help_text(Command command) {
    const CommandInfo & info = command_info(command);
    std::string text = fmt::format("usage: snapkv {}{}{}\n\n", info.name, info.name.empty() ? "" : " ", info.synopsis);
    text += wrapped(info.details.empty() ? info.summary : info.details, columns) + "\n";
    if (command == Command::None) {
        text += "\nCommands (each has its own --help):\n";
        for (const CommandInfo & each : commands()) {
            if (!each.hidden && each.command != Command::None) {
                text += row(each.name, each.summary);
            }
        }
    }
    for (const Section section : sections()) {
        std::string rows;
        for (const Option & option : options()) {
            if (option.section == section && option.serves(command)) {
                rows += row(spelling(option), explain(option, command));
            }
        }
        if (!rows.empty()) {
            text += fmt::format("\n{}:\n{}", section_title(section), rows);
        }
    }
    return text;
}

}  // namespace snapkv::cli

#include "help.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "options.h"

namespace snapkv::cli {
namespace {

constexpr std::size_t columns = 100;
constexpr std::size_t indent = 28;

/// `text` in lines of at most `width`, the second and later ones indented by `margin`.
std::string wrap(std::string_view text, std::size_t margin, std::size_t width) {
    std::string wrapped;
    std::size_t length = 0;
    while (!text.empty()) {
        const std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(std::min(text.size(), word.size() + 1));
        if (length > 0 && length + 1 + word.size() > width) {
            wrapped += fmt::format("\n{:{}}", "", margin);
            length = 0;
        }
        if (length > 0) {
            wrapped += ' ';
            ++length;
        }
        wrapped += word;
        length += word.size();
    }
    return wrapped;
}

std::string row(const std::string & left, const std::string & right) {
    const std::string text = wrap(right, indent, columns - indent);
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
    text += wrap(info.details.empty() ? info.summary : info.details, 0, columns) + "\n";
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

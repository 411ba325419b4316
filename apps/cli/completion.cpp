#include "completion.h"

#include <fmt/ranges.h>

#include "options.h"

namespace snapkv::cli {
namespace {

std::vector<const CommandInfo *> visible_commands() {
    std::vector<const CommandInfo *> list;
    for (const CommandInfo & info : commands()) {
        if (!info.hidden && info.command != Command::None) {
            list.push_back(&info);
        }
    }
    return list;
}

std::vector<const Option *> options_of(Command command) {
    std::vector<const Option *> list;
    for (const Option & option : options()) {
        if (option.serves(command)) {
            list.push_back(&option);
        }
    }
    return list;
}

/// The text in single quotes, as all three shells read it.
std::string in_quotes(std::string_view text) {
    std::string out = "'";
    for (const char c : text) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

std::string bash_values(const Option & option) {
    if (!option.words.empty()) {
        return fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$word\"))", fmt::join(option.words, " "));
    }
    return option.names_files() ? "COMPREPLY=($(compgen -f -- \"$word\"))" : "COMPREPLY=()";
}

std::string bash_command(const CommandInfo & info) {
    std::string values;
    std::vector<std::string> names;
    std::string otherwise = "COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))";
    for (const Option * option : options_of(info.command)) {
        if (option->positional()) {
            otherwise = fmt::format("if [[ $word == -* ]]; then {}; else {}; fi", otherwise, bash_values(*option));
            continue;
        }
        names.insert(names.end(), option->names.begin(), option->names.end());
        if (option->takes_value()) {
            values += fmt::format("        {}) {}; return ;;\n", fmt::join(option->names, " | "), bash_values(*option));
        }
    }
    std::string text = fmt::format("    {})\n      options='{}'\n", info.name, fmt::join(names, " "));
    if (!values.empty()) {
        text += fmt::format("      case $before in\n{}      esac\n", values);
    }
    return text + fmt::format("      {}\n      ;;\n", otherwise);
}

std::string bash_script() {
    std::vector<std::string> names;
    std::string cases;
    for (const CommandInfo * info : visible_commands()) {
        names.push_back(info->name);
        cases += bash_command(*info);
    }
    for (const Option * option : options_of(Command::None)) {
        names.insert(names.end(), option->names.begin(), option->names.end());
    }
    return fmt::format(
        "# bash completion for snapkv: made by `snapkv completion bash`\n"
        "_snapkv() {{\n"
        "  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}} options\n"
        "  if ((COMP_CWORD == 1)); then\n"
        "    COMPREPLY=($(compgen -W '{}' -- \"$word\"))\n"
        "    return\n"
        "  fi\n"
        "  case ${{COMP_WORDS[1]}} in\n{}  esac\n"
        "}}\n"
        "complete -o filenames -F _snapkv snapkv\n",
        fmt::join(names, " "), cases);
}

std::string zsh_action(const Option & option) {
    if (!option.words.empty()) {
        return fmt::format("({})", fmt::join(option.words, " "));
    }
    return option.names_files() ? "_files" : " ";
}

/// One argument of _arguments: '(-m --model)'{-m,--model}'[help]:MODEL:_files'.
std::string zsh_option(const Option & option) {
    if (option.positional()) {
        return fmt::format("':{}:{}'", option.names.front(), zsh_action(option));
    }
    const std::string value =
        option.takes_value() ? fmt::format(":{}:{}", option.placeholder, zsh_action(option)) : std::string();
    const std::string help = in_quotes(fmt::format("[{}]{}", option.help, value));
    std::string before;
    if (option.repeatable) {
        before = "'*'";
    } else if (option.names.size() > 1) {
        before = fmt::format("'({})'", fmt::join(option.names, " "));
    }
    return option.names.size() > 1 ? fmt::format("{}{{{}}}{}", before, fmt::join(option.names, ","), help)
                                   : fmt::format("{}{}{}", before, option.names.front(), help);
}

std::string zsh_script() {
    std::string described;
    std::string cases;
    for (const CommandInfo * info : visible_commands()) {
        described += fmt::format("    {}:{}\n", info->name, in_quotes(info->summary));
        cases += fmt::format("    {})\n      _arguments", info->name);
        for (const Option * option : options_of(info->command)) {
            cases += " \\\n        " + zsh_option(*option);
        }
        cases += "\n      ;;\n";
    }
    return fmt::format(
        "#compdef snapkv\n"
        "# zsh completion for snapkv: made by `snapkv completion zsh`\n"
        "_snapkv() {{\n"
        "  local -a commands=(\n{}  )\n"
        "  if ((CURRENT == 2)); then\n"
        "    _describe command commands\n"
        "    return\n"
        "  fi\n"
        "  local command=${{words[2]}}\n"
        "  shift words\n"
        "  ((CURRENT--))\n"
        "  case $command in\n{}  esac\n"
        "}}\n"
        "if [ \"$funcstack[1]\" = _snapkv ]; then\n"
        "  _snapkv \"$@\"\n"
        "else\n"
        "  compdef _snapkv snapkv\n"
        "fi\n",
        described, cases);
}

std::string fish_option(const Option & option, std::string_view condition) {
    std::string line = fmt::format("complete -c snapkv -n {}", condition);
    if (!option.positional()) {
        for (const std::string & name : option.names) {
            if (name.starts_with("--")) {
                line += " -l " + name.substr(2);
            } else {
                line += (name.size() == 2 ? " -s " : " -o ") + name.substr(1);
            }
        }
    }
    if (!option.words.empty()) {
        line += fmt::format(" -x -a '{}'", fmt::join(option.words, " "));
    } else if (option.names_files()) {
        line += option.positional() ? " -F" : " -r -F";
    } else if (option.takes_value()) {
        line += " -x";
    }
    return line + " -d " + in_quotes(option.help) + "\n";
}

std::string fish_script() {
    std::string text = "# fish completion for snapkv: made by `snapkv completion fish`\ncomplete -c snapkv -f\n";
    for (const CommandInfo * info : visible_commands()) {
        text += fmt::format("complete -c snapkv -n __fish_use_subcommand -a {} -d {}\n", info->name,
                            in_quotes(info->summary));
    }
    for (const Option * option : options_of(Command::None)) {
        text += fish_option(*option, "__fish_use_subcommand");
    }
    for (const CommandInfo * info : visible_commands()) {
        for (const Option * option : options_of(info->command)) {
            text += fish_option(*option, fmt::format("'__fish_seen_subcommand_from {}'", info->name));
        }
    }
    return text;
}

}  // namespace

std::string completion_script(Shell shell) {
    switch (shell) {
        case Shell::Zsh:
            return zsh_script();
        case Shell::Fish:
            return fish_script();
        case Shell::Bash:
            break;
    }
    return bash_script();
}

}  // namespace snapkv::cli

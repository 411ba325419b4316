#include "command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "eval/utf8_text.h"
#include "fail.h"
#include "options.h"

namespace snapkv::cli {
namespace {

/// CLI11 knows short options of one letter only; "-tb" goes by its long name.
bool known_to_cli11(const std::string & name) {
    return !name.starts_with('-') || name.starts_with("--") || name.size() == 2;
}

const Option * find_option(std::string_view name) {
    for (const Option & option : options()) {
        if (std::find(option.names.begin(), option.names.end(), name) != option.names.end()) {
            return &option;
        }
    }
    return nullptr;
}

/// Each name with its value behind it as an argument of its own: CLI11 takes the next argument for the value of
/// "--name=", and "=VALUE" for that of "-n=VALUE". Short names that it does not know become long ones.
std::vector<std::string> separated(const std::vector<std::string> & arguments) {
    std::vector<std::string> list;
    for (auto at = arguments.begin(); at != arguments.end(); ++at) {
        if (*at == "--") {
            list.insert(list.end(), at, arguments.end());
            break;
        }
        const std::size_t equals = at->find('=');
        const std::string name = at->substr(0, equals);
        const Option * option = find_option(name);
        const bool joined = equals != std::string::npos;
        if (option == nullptr || option->positional()) {
            list.push_back(*at);
            continue;
        }
        if (joined && !option->takes_value()) {
            usage_error("{} takes no value", name);
        }
        list.push_back(known_to_cli11(name) ? name : option->long_name());
        if (joined) {
            list.push_back(at->substr(equals + 1));
        } else if (option->takes_value() && at + 1 != arguments.end()) {
            list.push_back(*++at);  // it may look like an option
        }
    }
    return list;
}

std::string cli11_names(const Option & option) {
    std::string names;
    for (const std::string & name : option.names) {
        if (known_to_cli11(name)) {
            names += (names.empty() ? "" : ",") + name;
        }
    }
    return names;
}

/// Texts go to the tokenizer and into JSON; a file's name may be any bytes.
void require_utf8(const Option & option, const std::string & value) {
    const std::size_t bad = eval::find_ill_formed(value);
    if (!option.names_files() && bad != std::string::npos) {
        usage_error("{}: invalid UTF-8: byte 0x{:02X} at offset {}", option.long_name(),
                    static_cast<unsigned char>(value[bad]), bad);
    }
}

void bind(CLI::App & app, const Option & option, Settings & settings) {
    const std::string & name = option.long_name();
    const auto take = [&option, &settings, name](const std::vector<std::string> & values) {
        if (values.size() > 1 && !option.repeatable) {
            usage_error("{} is given {} times, expected once", name, values.size());
        }
        for (const std::string & value : values) {
            if (value.empty() && option.takes_value()) {
                usage_error("{}: the value is empty", name);
            }
            require_utf8(option, value);
            option.read(settings, name, value);
        }
        settings.given.insert(name);
        return true;
    };
    if (option.takes_value()) {
        app.add_option(cli11_names(option), take)
            ->expected(1)
            ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
            ->allow_extra_args(false);
    } else {
        app.add_flag_callback(cli11_names(option), [take] { take({""}); })->disable_flag_override();
    }
}

void bind_all(CLI::App & app, Settings & settings, Command command) {
    app.set_help_flag();  // the table has its own
    for (const Option & option : options()) {
        if (option.serves(command)) {
            bind(app, option, settings);
        }
    }
}

/// CLI11's message; for a missing value it is "--name: 1 required  missing".
std::string explain(const CLI::ParseError & error) {
    std::string message = error.what();
    const std::size_t colon = message.find(':');
    if (dynamic_cast<const CLI::ArgumentMismatch *>(&error) != nullptr && colon != std::string::npos) {
        return fmt::format("{}: the value is missing", message.substr(0, colon));
    }
    return message;
}

}  // namespace

Settings parse_command_line(std::vector<std::string> arguments) {
    Settings settings = default_settings(Command::None);
    CLI::App app;
    bind_all(app, settings, Command::None);
    for (const CommandInfo & info : commands()) {
        if (info.command == Command::None) {
            continue;
        }
        CLI::App * subcommand = app.add_subcommand(info.name);
        bind_all(*subcommand, settings, info.command);
        subcommand->preparse_callback(
            [&settings, command = info.command](std::size_t) { settings = default_settings(command); });
    }
    app.require_subcommand(0, 1);
    arguments = separated(arguments);
    std::reverse(arguments.begin(), arguments.end());
    try {
        app.parse(std::move(arguments));
    } catch (const CLI::ParseError & error) {
        const std::string & name = command_info(settings.command).name;
        usage_error("{} (see snapkv {}{}--help)", explain(error), name, name.empty() ? "" : " ");
    }
    return settings;
}

}  // namespace snapkv::cli

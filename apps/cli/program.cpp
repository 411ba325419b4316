#include "program.h"

#include <new>

#include "command_line.h"
#include "commands.h"
#include "completion.h"
#include "docs.h"
#include "fail.h"
#include "field_names.h"
#include "help.h"
#include "idle_options.h"
#include "interrupt.h"
#include "options.h"
#include "outputs.h"
#include "standard_output.h"
#include "status.h"

namespace snapkv::cli {
namespace {

int print_whole(const std::string & text) {
    print_text(text);
    finish_standard_output();
    return status_ok;
}

int complete(const Settings & settings) {
    if (!settings.has("SHELL")) {
        usage_error("no shell given (snapkv completion bash|zsh|fish)");
    }
    return print_whole(completion_script(settings.shell));
}

void require_model(const Settings & settings) {
    for (const Command command : {Command::Run, Command::Show, Command::Perplexity, Command::Inspect, Command::Bench,
                                  Command::Eval, Command::Observe}) {
        if (settings.command == command && settings.model.empty()) {
            const std::string & name = command_info(command).name;
            usage_error("no model given (see snapkv {} --help)", name);
        }
    }
}

int dispatch(const Settings & settings) {
    if (settings.help) {
        return print_whole(help_text(settings.command));
    }
    if (settings.version) {
        return print_whole(std::string("snapkv ") + version() + "\n");
    }
    require_model(settings);
    check_idle_options(settings);
    check_outputs(settings);
    if (settings.parse_special && !settings.raw) {
        usage_error(
            "--parse-special requires --raw: with a chat template, only the template's own control tokens are "
            "recognised");
    }
    switch (settings.command) {
        case Command::Run:
            return run(settings);
        case Command::Show:
            return show(settings);
        case Command::Perplexity:
            return perplexity(settings);
        case Command::Inspect:
            return inspect(settings);
        case Command::Bench:
            return bench(settings);
        case Command::Eval:
            return evaluate(settings);
        case Command::Observe:
            return observe(settings);
        case Command::MakeModel:
            return make_model(settings);
        case Command::Policies:
            return policies(settings);
        case Command::Completion:
            return complete(settings);
        case Command::Docs:
            return print_whole(reference());
        case Command::None:
            break;
    }
    usage_error(
        "no command is given: expected run, show, perplexity, inspect, bench, eval, observe, make-model, policies or "
        "completion (see snapkv --help)");
}

/// File names and texts in messages may hold anything; an error is one line all the same.
int say_error(std::string message, int status) {
    for (char & c : message) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
            c = ' ';
        }
    }
    say("snapkv: error: " + message + "\n");
    return status;
}

}  // namespace

int run_program(const std::vector<std::string> & arguments) noexcept {
    try {
        return dispatch(parse_command_line(arguments));
    } catch (const BrokenPipe &) {
        return status_broken_pipe;
    } catch (const Error & error) {
        if (error.kind() == ErrorKind::Interrupted) {
            note("{}", error.what());
            return interrupted_status();
        }
        return say_error(message_of(error), error.kind() == ErrorKind::Usage ? status_usage : status_failed);
    } catch (const std::bad_alloc &) {
        return say_error("memory ran out", status_failed);
    } catch (const std::exception & error) {
        return say_error(error.what(), status_failed);
    }
}

}  // namespace snapkv::cli

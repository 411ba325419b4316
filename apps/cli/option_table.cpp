// The option table: everything that is known of an option stands in its row and nowhere else.
#include "option_table.h"

namespace snapkv::cli {

namespace {

void add_output(std::vector<Option> & table) {
    const Section section = Section::Output;
    table.push_back({.names = {"--json"},
                     .help = "print one JSON object at the end instead of text as it is generated",
                     .section = section,
                     .commands = in(Command::Run, Command::Perplexity, Command::Inspect, Command::Policies),
                     .read = [](Settings & s, Name, const Value &) { s.json = true; }});
    table.push_back({.names = {"--dry-run"},
                     .help = "print the number of tokens, the memory needed and the estimated time, and exit",
                     .section = section,
                     .commands = in(Command::Run),
                     .read = [](Settings & s, Name, const Value &) { s.dry_run = true; }});
    table.push_back({.names = {"--dump-kept"},
                     .placeholder = "FILE",
                     .help = "write the kept positions of every layer and KV head to FILE as JSON",
                     .section = section,
                     .commands = in(Command::Run),
                     .read = [](Settings & s, Name, const Value & v) { s.dump_kept = v; },
                     .files = Files::JsonFile,
                     .paths = [](const Settings & s) { return Paths{s.dump_kept}; }});
    table.push_back({.names = {"--html"},
                     .placeholder = "OUT",
                     .help = "write a self-contained HTML page to OUT instead of printing coloured text",
                     .section = section,
                     .commands = in(Command::Show),
                     .read = [](Settings & s, Name, const Value & v) { s.html = v; },
                     .files = Files::Html,
                     .paths = [](const Settings & s) { return Paths{s.html}; }});
}

void add_general(std::vector<Option> & table) {
    const Section section = Section::General;
    const Commands everywhere =
        working | in(Command::None, Command::MakeModel, Command::Policies, Command::Completion, Command::Docs);
    table.push_back(
        {.names = {"SHELL"},
         .placeholder = "SHELL",
         .help = "shell to print the script for",
         .section = section,
         .commands = in(Command::Completion),
         .read = [](Settings & s, Name name, const Value & v) { s.shell = from_word(shell_words, name, v); },
         .words = word_list(shell_words)});
    table.push_back({.names = {"-v", "--verbose"},
                     .help = "print the options in effect, buffer types and RoPE settings",
                     .section = section,
                     .commands = working,
                     .read = [](Settings & s, Name, const Value &) { s.verbose = true; }});
    table.push_back({.names = {"-h", "--help"},
                     .help = "print this help and exit",
                     .section = section,
                     .commands = everywhere,
                     .read = [](Settings & s, Name, const Value &) { s.help = true; }});
    table.push_back({.names = {"--version"},
                     .help = "print the version and exit",
                     .section = section,
                     .commands = everywhere,
                     .read = [](Settings & s, Name, const Value &) { s.version = true; }});
}

}  // namespace

std::string non_empty(Name name, const Value & value) {
    if (value.empty()) {
        usage_error("{}: the value is empty", name);
    }
    return value;
}

std::string decimal(double value) {
    return fmt::format("{:g}", value);
}

const std::vector<Option> & options() {
    static const std::vector<Option> table = [] {
        std::vector<Option> rows;
        add_prompt_options(rows);
        add_answer_options(rows);
        add_cache_options(rows);
        add_bench_options(rows);
        add_eval_options(rows);
        add_observe_options(rows);
        add_make_model_options(rows);
        add_output(rows);
        add_machine_options(rows);
        add_general(rows);
        return rows;
    }();
    return table;
}

}  // namespace snapkv::cli

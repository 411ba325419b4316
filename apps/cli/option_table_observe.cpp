// The options of `snapkv observe`, and those that it shares with `snapkv eval`.
#include "lists.h"
#include "option_table.h"

namespace snapkv::cli {
namespace {

constexpr Commands observing = in(Command::Observe);

}  // namespace

void add_observe_options(std::vector<Option> & table) {
    const Section section = Section::Experiment;
    table.push_back({.names = {"WHAT"},
                     .placeholder = "WHAT",
                     .help = "what to look at, see above",
                     .section = section,
                     .commands = observing,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.observe.what = from_word(observation_words, name, v); },
                     .words = word_list(observation_words)});
    table.push_back(
        {.names = {"-n", "--n-predict"},
         .placeholder = "N",
         .help = "maximum number of tokens to generate with the full cache, as the reference",
         .section = section,
         .commands = observing,
         .read = [](Settings & s, Name name, const Value & v) { s.observe.generate = read_count(name, v, 1); },
         .show = [](const Settings & s) { return fmt::format("{}", s.observe.generate); }});
    table.push_back(
        {.names = {"--windows"},
         .placeholder = "N",
         .help = "windows: number of windows before the end of the prompt",
         .section = section,
         .commands = observing,
         .read = [](Settings & s, Name name, const Value & v) { s.observe.windows = read_count(name, v, 1); },
         .show = [](const Settings & s) { return fmt::format("{}", s.observe.windows); }});
    table.push_back(
        {.names = {"--kv-window"},
         .placeholder = "N",
         .help = "tokens per window, in the prompt and in the generated text",
         .section = section,
         .commands = observing,
         .read = [](Settings & s, Name name, const Value & v) { s.observe.window = read_count(name, v, 1); },
         .show = [](const Settings & s) { return fmt::format("{}", s.observe.window); }});
    table.push_back(
        {.names = {"--threshold"},
         .placeholder = "X",
         .help = "attention weight above which a position counts as attended to",
         .section = section,
         .commands = observing,
         .read = [](Settings & s, Name name, const Value & v) { s.observe.threshold = read_decimal(name, v, 0, 1); },
         .show = [](const Settings & s) { return decimal(double{s.observe.threshold}); }});
    table.push_back(
        {.names = {"--budgets", "--kv-budget"},
         .placeholder = "N|P%,...",
         .help = "rows kept by a window's selection, its own included; a list only with `budget`",
         .section = section,
         .commands = observing,
         .read = [](Settings & s, Name name, const Value & v) { s.observe.budgets = read_list(name, v, read_budget); },
         .show = [](const Settings & s) { return joined(s.observe.budgets, budget_text); }});
    table.push_back({.names = {"-o", "--output"},
                     .placeholder = "FOLDER",
                     .help = "folder for results, written as they come; a run with the same settings resumes",
                     .section = Section::Output,
                     .commands = experimenting,
                     .read = [](Settings & s, Name, const Value & v) { s.output = v; },
                     .files = Files::Folder,
                     .paths = [](const Settings & s) { return Paths{s.output}; }});
}

}  // namespace snapkv::cli

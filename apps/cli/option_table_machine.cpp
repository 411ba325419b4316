// The options of the model and the machine.
#include "option_table.h"

namespace snapkv::cli {
namespace {

Option context_size(Commands commands, const char * help) {
    return {.names = {"-c", "--ctx-size"},
            .placeholder = "N",
            .help = help,
            .section = Section::Machine,
            .commands = commands,
            .read = [](Settings & s, Name name, const Value & v) { s.context = read_count(name, v); },
            .show = [](const Settings & s) { return fmt::format("{}", s.context); }};
}

}  // namespace

void add_machine_options(std::vector<Option> & table) {
    const Section section = Section::Machine;
    table.push_back(context_size(prompting | experimenting,
                                 "context size: tokens of prompt and answer together; 0: "
                                 "the model's trained context"));
    table.push_back(context_size(in(Command::Perplexity), "tokens of a chunk; 0: the model's trained context"));
    table.push_back({.names = {"--allow-long"},
                     .help = "allow a context beyond the model's trained one",
                     .section = section,
                     .commands = computing,
                     .read = [](Settings & s, Name, const Value &) { s.allow_long = true; }});
    table.push_back({.names = {"-t", "--threads"},
                     .placeholder = "N",
                     .help = "threads for decode; 0: one per available core",
                     .section = section,
                     .commands = computing,
                     .read = [](Settings & s, Name name, const Value & v) { s.threads = read_count(name, v); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.threads); }});
    table.push_back({.names = {"-tb", "--threads-batch"},
                     .placeholder = "N",
                     .help = "threads for prefill; 0: same as -t",
                     .section = section,
                     .commands = computing,
                     .read = [](Settings & s, Name name, const Value & v) { s.threads_batch = read_count(name, v); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.threads_batch); }});
    table.push_back({.names = {"-b", "--batch-size"},
                     .placeholder = "N",
                     .help = "tokens per prefill chunk, at least 64",
                     .section = section,
                     .commands = computing,
                     .read = [](Settings & s, Name name, const Value & v) { s.batch = read_count(name, v, 1); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.batch); }});
    table.push_back(
        {.names = {"--attention"},
         .placeholder = "PATH",
         .help = "attention code: this project's kernels, or ggml operations",
         .section = section,
         .commands = computing | in(Command::Bench),
         .read = [](Settings & s, Name name, const Value & v) { s.attention = from_word(attention_words, name, v); },
         .show = [](const Settings & s) { return to_word(attention_words, s.attention); },
         .words = word_list(attention_words)});
    table.push_back(
        {.names = {"--products"},
         .placeholder = "PATH",
         .help = "matrix products in prefill: ggml's on the weights as stored; 8-bit integers, one layer at a time "
                 "(quantised models only); weights widened to bf16 or f32, one layer at a time (slower, more exact); "
                 "or whichever is fastest",
         .section = section,
         .commands = computing | in(Command::Bench),
         .read = [](Settings & s, Name name, const Value & v) { s.products = from_word(product_words, name, v); },
         .show = [](const Settings & s) { return to_word(product_words, s.products); },
         .words = word_list(product_words)});
    table.push_back(
        {.names = {"--rope-scaling"},
         .placeholder = "METHOD",
         .help = "RoPE scaling method, overriding the model's",
         .section = section,
         .commands = computing | in(Command::Bench),
         .read = [](Settings & s, Name name, const Value & v) { s.rope.scaling = from_word(rope_words, name, v); },
         .words = word_list(rope_words)});
    table.push_back({.names = {"--rope-scale"},
                     .placeholder = "X",
                     .help = "RoPE scaling factor: expands the context by a factor of X",
                     .section = section,
                     .commands = computing | in(Command::Bench),
                     .read = [](Settings & s, Name name, const Value & v) {
                         s.rope.scale = read_decimal(name, v, 0.001, any_number);
                     }});
    table.push_back({.names = {"--rope-freq-base"},
                     .placeholder = "X",
                     .help = "RoPE base frequency, overriding the model's",
                     .section = section,
                     .commands = computing | in(Command::Bench),
                     .read = [](Settings & s, Name name, const Value & v) {
                         s.rope.freq_base = read_decimal(name, v, 0.001, any_number);
                     }});
    table.push_back(
        {.names = {"--yarn-orig-ctx"},
         .placeholder = "N",
         .help = "YaRN: the context before scaling, overriding the model's",
         .section = section,
         .commands = computing | in(Command::Bench),
         .read = [](Settings & s, Name name, const Value & v) { s.rope.yarn_orig_ctx = read_count(name, v, 1); }});
}

}  // namespace snapkv::cli

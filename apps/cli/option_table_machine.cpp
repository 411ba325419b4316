// The options of the model and the machine.
#include "option_table.h"

namespace snapkv::cli {

void add_machine_options(std::vector<Option> & table) {
    const Section section = Section::Machine;
    table.push_back({.names = {"-c", "--ctx-size"},
                     .placeholder = "N",
                     .help = "tokens of prompt and answer together, or of a perplexity chunk; 0: the context that the "
                             "model was trained with",
                     .section = section,
                     .commands = computing,
                     .read = [](Settings & s, Name name, const Value & v) { s.context = read_count(name, v); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.context); }});
    table.push_back({.names = {"--allow-long"},
                     .help = "permit a context beyond the one that the model was trained with",
                     .section = section,
                     .commands = computing,
                     .read = [](Settings & s, Name, const Value &) { s.allow_long = true; }});
    table.push_back({.names = {"-t", "--threads"},
                     .placeholder = "N",
                     .help = "threads that generate; 0: as many as there are processors",
                     .section = section,
                     .commands = computing,
                     .read = [](Settings & s, Name name, const Value & v) { s.threads = read_count(name, v); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.threads); }});
    table.push_back({.names = {"-tb", "--threads-batch"},
                     .placeholder = "N",
                     .help = "threads that prefill; 0: as many as -t",
                     .section = section,
                     .commands = computing,
                     .read = [](Settings & s, Name name, const Value & v) { s.threads_batch = read_count(name, v); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.threads_batch); }});
    table.push_back({.names = {"-b", "--batch-size"},
                     .placeholder = "N",
                     .help = "tokens of a prefill chunk",
                     .section = section,
                     .commands = computing,
                     .read = [](Settings & s, Name name, const Value & v) { s.batch = read_count(name, v, 1); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.batch); }});
    table.push_back(
        {.names = {"--attention"},
         .placeholder = "PATH",
         .help = "what computes attention: the project's own kernels, or ggml's operations",
         .section = section,
         .commands = computing | in(Command::Bench),
         .read = [](Settings & s, Name name, const Value & v) { s.attention = from_word(attention_words, name, v); },
         .show = [](const Settings & s) { return to_word(attention_words, s.attention); },
         .words = word_list(attention_words)});
    table.push_back(
        {.names = {"--products"},
         .placeholder = "PATH",
         .help = "how a prefill multiplies: with ggml's products on the weights as stored; on one layer's weights at a "
                 "time as 8-bit integers (quantised files only; rounded as ggml rounds inputs); on one layer's weights "
                 "widened to bf16 or f32 (slower, nearer to the model's own numbers); or the fastest of these",
         .section = section,
         .commands = computing | in(Command::Bench),
         .read = [](Settings & s, Name name, const Value & v) { s.products = from_word(product_words, name, v); },
         .show = [](const Settings & s) { return to_word(product_words, s.products); },
         .words = word_list(product_words)});
    table.push_back(
        {.names = {"--rope-scaling"},
         .placeholder = "METHOD",
         .help = "RoPE scaling, instead of what the file says",
         .section = section,
         .commands = computing | in(Command::Bench),
         .read = [](Settings & s, Name name, const Value & v) { s.rope.scaling = from_word(rope_words, name, v); },
         .words = word_list(rope_words)});
    table.push_back({.names = {"--rope-scale"},
                     .placeholder = "X",
                     .help = "the factor by which RoPE scaling lengthens the context",
                     .section = section,
                     .commands = computing | in(Command::Bench),
                     .read = [](Settings & s, Name name, const Value & v) {
                         s.rope.scale = read_decimal(name, v, 0.001, any_number);
                     }});
    table.push_back({.names = {"--rope-freq-base"},
                     .placeholder = "X",
                     .help = "RoPE base frequency, instead of the file's",
                     .section = section,
                     .commands = computing | in(Command::Bench),
                     .read = [](Settings & s, Name name, const Value & v) {
                         s.rope.freq_base = read_decimal(name, v, 0.001, any_number);
                     }});
    table.push_back(
        {.names = {"--yarn-orig-ctx"},
         .placeholder = "N",
         .help = "the context before YaRN scaling, instead of the file's",
         .section = section,
         .commands = computing | in(Command::Bench),
         .read = [](Settings & s, Name name, const Value & v) { s.rope.yarn_orig_ctx = read_count(name, v, 1); }});
}

}  // namespace snapkv::cli

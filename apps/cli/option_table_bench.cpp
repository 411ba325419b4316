// The options of `snapkv bench`: llama-bench's where it has them, most of them lists.
#include "lists.h"
#include "option_table.h"

namespace snapkv::cli {
namespace {

void add_tests(std::vector<Option> & table, Section section, Commands commands) {
    table.push_back({.names = {"-p", "--n-prompt"},
                     .placeholder = "N,...",
                     .help = "prefill lengths in tokens; 0: none",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name name, const Value & v) { s.bench.prompts = read_counts(name, v); },
                     .show = [](const Settings & s) { return counts_text(s.bench.prompts); }});
    table.push_back(
        {.names = {"-n", "--n-gen"},
         .placeholder = "N,...",
         .help = "decode lengths in tokens; 0: none",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.bench.generations = read_counts(name, v); },
         .show = [](const Settings & s) { return counts_text(s.bench.generations); }});
    table.push_back(
        {.names = {"--n-parallel"},
         .placeholder = "N,...",
         .help = "sequences that are decoded together; the rate is that of all",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.bench.parallel = read_counts(name, v, 1); },
         .show = [](const Settings & s) { return counts_text(s.bench.parallel); }});
    table.push_back({.names = {"-d", "--n-depth"},
                     .placeholder = "N,...",
                     .help = "depths: tokens in the cache before the test starts. Random rows stand in for them, as "
                             "many as the policy would keep",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name name, const Value & v) { s.bench.depths = read_counts(name, v); },
                     .show = [](const Settings & s) { return counts_text(s.bench.depths); }});
    table.push_back(
        {.names = {"-r", "--repetitions"},
         .placeholder = "N",
         .help = "repetitions of each test",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.bench.repetitions = read_count(name, v, 1); },
         .show = [](const Settings & s) { return fmt::format("{}", s.bench.repetitions); }});
    table.push_back({.names = {"--no-warmup"},
                     .help = "skip the untimed run before each test",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name, const Value &) { s.bench.warm_up = false; }});
    table.push_back(
        {.names = {"-o", "--output"},
         .placeholder = "FORMAT",
         .help = "output format",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.bench.format = from_word(format_words, name, v); },
         .show = [](const Settings & s) { return to_word(format_words, s.bench.format); },
         .words = word_list(format_words)});
}

void add_cache(std::vector<Option> & table, Commands commands) {
    const Section section = Section::Cache;
    table.push_back({.names = {"--kv-policy"},
                     .placeholder = "POLICY,...",
                     .help = fmt::format("what to keep of keys and values: {} (see `snapkv policies`)",
                                         fmt::join(word_list(policy_words()), ", ")),
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.bench.policies = read_words(policy_words(), name, v); },
                     .show =
                         [](const Settings & s) {
                             return joined(s.bench.policies,
                                           [](Policy policy) { return to_word(policy_words(), policy); });
                         }});
    table.push_back(
        {.names = {"--kv-budget"},
         .placeholder = "N|P%|mass:P%,...",
         .help = "rows to keep per KV head, a percentage of the tokens before the recent ones, or what holds so much "
                 "attention (see run)",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.bench.budgets = read_list(name, v, read_budget); },
         .show = [](const Settings & s) { return joined(s.bench.budgets, budget_text); }});
    table.push_back(
        {.names = {"--kv-type"},
         .placeholder = "TYPE,...",
         .help = "types to store keys and values in",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.bench.types = read_words(type_words, name, v); },
         .show =
             [](const Settings & s) {
                 return joined(s.bench.types, [](KvType type) { return to_word(type_words, type); });
             }});
}

void add_machine(std::vector<Option> & table, Commands commands) {
    const Section section = Section::Machine;
    table.push_back({.names = {"-t", "--threads"},
                     .placeholder = "N,...",
                     .help = "threads for decode; 0: one per available core",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name name, const Value & v) { s.bench.threads = read_counts(name, v); },
                     .show = [](const Settings & s) { return counts_text(s.bench.threads); }});
    table.push_back(
        {.names = {"-tb", "--threads-batch"},
         .placeholder = "N,...",
         .help = "threads for prefill; 0: same as -t",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.bench.threads_batch = read_counts(name, v); },
         .show = [](const Settings & s) { return counts_text(s.bench.threads_batch); }});
    table.push_back(
        {.names = {"-b", "--batch-size"},
         .placeholder = "N,...",
         .help = "tokens per prefill chunk, at least 64",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.bench.batches = read_counts(name, v, 1); },
         .show = [](const Settings & s) { return counts_text(s.bench.batches); }});
}

}  // namespace

void add_bench_options(std::vector<Option> & table) {
    const Commands commands = in(Command::Bench);
    add_tests(table, Section::Tests, commands);
    add_cache(table, commands);
    add_machine(table, commands);
}

}  // namespace snapkv::cli

// The options of `snapkv eval`.
#include "clusters.h"
#include "lists.h"
#include "option_table.h"

namespace snapkv::cli {
namespace {

constexpr Commands serving = in(Command::Eval);

void add_questions(std::vector<Option> & table) {
    const Section section = Section::Experiment;
    table.push_back(
        {.names = {"TASK"},
         .placeholder = "TASK",
         .help = "task to run, see above",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name, const Value & v) { s.eval.task = from_word(task_words, name, v); },
         .words = word_list(task_words)});
    table.push_back({.names = {"--lengths"},
                     .placeholder = "N,...",
                     .help = "needle, lines, ruler, fidelity: prompt lengths in tokens",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name, const Value & v) { s.eval.lengths = read_counts(name, v, 1); },
                     .show = [](const Settings & s) { return counts_text(s.eval.lengths); }});
    table.push_back({.names = {"--depths"},
                     .placeholder = "P,...",
                     .help = "needle, lines: where in the document to place the answer, in percent",
                     .section = section,
                     .commands = serving,
                     .read =
                         [](Settings & s, Name name, const Value & v) {
                             s.eval.depths = read_list(name, v, [](Name option, const Value & part) {
                                 return static_cast<double>(read_decimal(option, part, 0, 100));
                             });
                         },
                     .show = [](const Settings & s) { return joined(s.eval.depths, decimal); }});
    table.push_back({.names = {"--lines"},
                     .placeholder = "N,...",
                     .help = "lines: number of lines, instead of --lengths",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name, const Value & v) { s.eval.lines = read_counts(name, v, 1); },
                     .show = [](const Settings & s) { return counts_text(s.eval.lines); }});
    table.push_back({.names = {"--samples"},
                     .placeholder = "N",
                     .help = "ruler, fidelity: samples per length; longbench, lines: samples per data file; 0: the "
                             "task's default, or all",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name, const Value & v) { s.eval.samples = read_count(name, v); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.eval.samples); }});
    table.push_back({.names = {"-n", "--n-predict"},
                     .placeholder = "N",
                     .help = "maximum number of tokens per answer; 0: the task's default, 64 for fidelity",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name, const Value & v) { s.eval.generate = read_count(name, v); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.eval.generate); }});
    table.push_back({.names = {"--needle"},
                     .placeholder = "TEXT",
                     .help = "needle: the sentence to find; needs -q and --expect",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value & v) { s.eval.needle = v; },
                     .show = [](const Settings & s) { return s.eval.needle; }});
    table.push_back({.names = {"--expect"},
                     .placeholder = "TEXT",
                     .help = "needle: the words that a correct answer contains",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value & v) { s.eval.expected = v; },
                     .show = [](const Settings & s) { return s.eval.expected; }});
    table.push_back(
        {.names = {"--tasks"},
         .placeholder = "NAME,...",
         .help = "longbench: sets to run (those of LongBench-E end in _e), ruler: tasks to run; default: all",
         .section = section,
         .commands = serving,
         .read =
             [](Settings & s, Name name, const Value & v) {
                 s.eval.sets = read_list(name, v, [](Name, const Value & part) { return part; });
             },
         .show = [](const Settings & s) { return fmt::format("{}", fmt::join(s.eval.sets, ",")); }});
}

void add_data(std::vector<Option> & table) {
    const Section section = Section::Experiment;
    table.push_back(
        {.names = {"--data"},
         .placeholder = "PATH",
         .help = "longbench, lines, ruler: a JSON lines file or a folder of them; longbench: each named after its set "
                 "(qasper.jsonl, or of LongBench-E qasper_e.jsonl)",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name, const Value & v) { s.eval.data.emplace_back(v); },
         .repeatable = true,
         .files = Files::Input,
         .paths = [](const Settings & s) { return s.eval.data; }});
    table.push_back({.names = {"--squad"},
                     .placeholder = "FILE",
                     .help = "ruler: SQuAD JSON file, for qa_1",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value & v) { s.eval.squad = v; },
                     .show = [](const Settings & s) { return s.eval.squad.string(); },
                     .files = Files::Input,
                     .paths = [](const Settings & s) { return Paths{s.eval.squad}; }});
    table.push_back({.names = {"--hotpotqa"},
                     .placeholder = "FILE",
                     .help = "ruler: HotpotQA JSON file, for qa_2",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value & v) { s.eval.hotpotqa = v; },
                     .show = [](const Settings & s) { return s.eval.hotpotqa.string(); },
                     .files = Files::Input,
                     .paths = [](const Settings & s) { return Paths{s.eval.hotpotqa}; }});
    table.push_back({.names = {"--skip-broken"},
                     .help = "skip broken lines of data files",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value &) { s.eval.skip_broken = true; }});
    table.push_back(
        {.names = {"--prefills"},
         .placeholder = "HOW",
         .help = "shared: questions about the same document share a prefill, and one document holds the needles for "
                 "all depths; each: every question gets its own document and prefill",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name, const Value & v) { s.eval.prefills = from_word(prefills_words, name, v); },
         .show = [](const Settings & s) { return to_word(prefills_words, s.eval.prefills); },
         .words = word_list(prefills_words)});
    table.push_back({.names = {"--hide-question"},
                     .help = "compress the document before the question is seen",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value &) { s.eval.hide_question = true; },
                     .show = [](const Settings & s) { return std::string(s.eval.hide_question ? "yes" : ""); }});
    table.push_back(
        {.names = {"--no-answer-prefix"},
         .help = "do not give the model the beginning of the answer (which lines, ruler, and needle with --raw do by "
                 "default)",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name, const Value &) { s.eval.answer_prefix = false; },
         .show = [](const Settings & s) { return std::string(s.eval.answer_prefix ? "" : "yes"); }});
    table.push_back({.names = {"-s", "--seed"},
                     .placeholder = "N",
                     .help = "random seed for generated documents",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name, const Value & v) { s.eval.seed = read_count(name, v); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.eval.seed); }});
}

std::string window_text(const std::optional<std::uint32_t> & window) {
    return window ? fmt::format("{}", *window) : "auto";
}

std::optional<std::uint32_t> read_window(Name name, const Value & part) {
    return part == "auto" ? std::nullopt : std::optional(read_count(name, part, 1));
}

std::optional<std::uint32_t> read_sink(Name name, const Value & part) {
    return part == "auto" ? std::nullopt : std::optional(read_count(name, part));
}

std::string cluster_or_auto_text(const std::optional<Cluster> & cluster) {
    return cluster ? eval::cluster_text(*cluster) : "auto";
}

template <typename Words>
auto read_words_or_auto(const Words & words, Name name, const Value & list) {
    return read_list(name, list,
                     [&words](Name option, const Value & part) { return from_word_or_auto(words, option, part); });
}

template <typename Words, typename Values>
std::string words_or_auto_text(const Words & words, const Values & values) {
    return joined(values, [&words](const auto & value) { return to_word_or_auto(words, value); });
}

/// One type, or the keys' and the values'.
KvTypes read_types(Name name, const Value & part) {
    const std::size_t slash = part.find('/');
    const KvType key = from_word(type_words, name, part.substr(0, slash));
    return slash == std::string::npos ? KvTypes(key)
                                      : KvTypes(key, from_word(type_words, name, part.substr(slash + 1)));
}

void add_caches(std::vector<Option> & table) {
    const Section section = Section::Cache;
    table.push_back(
        {.names = {"--policies", "--kv-policy"},
         .placeholder = "POLICY,...",
         .help = fmt::format("what to keep of keys and values: {} (see `snapkv policies`). Each combination of these "
                             "lists is a cache; each question is answered with each cache, from one prefill",
                             fmt::join(word_list(policy_words()), ", ")),
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name,
                    const Value & v) { s.eval.caches.policies = read_words(policy_words(), name, v); },
         .show =
             [](const Settings & s) {
                 return joined(s.eval.caches.policies, [](Policy policy) { return to_word(policy_words(), policy); });
             }});
    table.push_back(
        {.names = {"--budgets", "--kv-budget"},
         .placeholder = "N|P%|mass:P%,...",
         .help = "rows to keep per KV head, a percentage of the tokens before the recent ones, or what holds so much "
                 "attention (see run)",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name,
                    const Value & v) { s.eval.caches.budgets = read_list(name, v, read_budget); },
         .show = [](const Settings & s) { return joined(s.eval.caches.budgets, budget_text); }});
    table.push_back({.names = {"--kv-window"},
                     .placeholder = "N|auto,...",
                     .help = "observation window: how many of the prompt's last tokens vote",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.eval.caches.windows = read_list(name, v, read_window); },
                     .show = [](const Settings & s) { return joined(s.eval.caches.windows, window_text); }});
    table.push_back({.names = {"--kv-recent"},
                     .placeholder = "N|auto,...",
                     .help = "how many of the prompt's last rows are kept whatever the vote",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.eval.caches.recents = read_list(name, v, read_window); },
                     .show = [](const Settings & s) { return joined(s.eval.caches.recents, window_text); }});
    table.push_back(
        {.names = {"--kv-evidence"},
         .placeholder = "HOW,...",
         .help = "how the attention of a query head's voters to a row becomes its vote: mean, rms, top4, max, "
                 "max-floor, recency, accumulated, pivotal, none, keys, output, auto (see run)",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name,
                    const Value & v) { s.eval.caches.evidences = read_words_or_auto(evidence_words, name, v); },
         .show = [](const Settings & s) { return words_or_auto_text(evidence_words, s.eval.caches.evidences); }});
    table.push_back(
        {.names = {"--kv-allocation"},
         .placeholder = "HOW,...",
         .help = "how rows are divided: even, heads, pyramid, entropy, global, auto (see run)",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name,
                    const Value & v) { s.eval.caches.allocations = read_words_or_auto(allocation_words, name, v); },
         .show = [](const Settings & s) { return words_or_auto_text(allocation_words, s.eval.caches.allocations); }});
    table.push_back(
        {.names = {"--kv-cluster"},
         .placeholder = "RULE,...",
         .help = "how far a vote keeps the rows around it too: kernel:BACK,AHEAD, avg:BACK,AHEAD, "
                 "reach:BACK,AHEAD, chunk:ROWS, none, auto; then +words, +stops (see run); instead of --kv-kernel and "
                 "--kv-pool",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name, const Value & v) { s.eval.caches.clusters = read_clusters(name, v); },
         .show = [](const Settings & s) { return joined(s.eval.caches.clusters, cluster_or_auto_text); }});
    table.push_back({.names = {"--kv-kernel"},
                     .placeholder = "N,...",
                     .help = "width of the pooling over the votes, an odd number",
                     .section = section,
                     .commands = serving,
                     .read =
                         [](Settings & s, Name name, const Value & v) {
                             s.eval.caches.kernels =
                                 v == "auto" ? std::vector<std::uint32_t>{} : read_list(name, v, read_kernel);
                         },
                     .show =
                         [](const Settings & s) {
                             return s.eval.caches.kernels.empty() ? "auto" : counts_text(s.eval.caches.kernels);
                         }});
    table.push_back(
        {.names = {"--kv-pool"},
         .placeholder = "HOW,...",
         .help = "how a vote is pooled with its neighbours: max, avg, none",
         .section = section,
         .commands = serving,
         .read =
             [](Settings & s, Name name, const Value & v) {
                 s.eval.caches.poolings = v == "auto" ? std::vector<Pooling>{} : read_words(pooling_words, name, v);
             },
         .show =
             [](const Settings & s) {
                 return s.eval.caches.poolings.empty() ? "auto" : joined(s.eval.caches.poolings, [](Pooling pooling) {
                     return to_word(pooling_words, pooling);
                 });
             }});
    table.push_back(
        {.names = {"--kv-group"},
         .placeholder = "HOW,...",
         .help = "how the votes of query heads that share a KV head are combined: mean, max, sum, layer, auto",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name,
                    const Value & v) { s.eval.caches.groups = read_words_or_auto(group_words, name, v); },
         .show = [](const Settings & s) { return words_or_auto_text(group_words, s.eval.caches.groups); }});
    table.push_back(
        {.names = {"--kv-sink"},
         .placeholder = "N|auto,...",
         .help = "tokens at the start of the prompt that are always kept",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name, const Value & v) { s.eval.caches.sinks = read_list(name, v, read_sink); },
         .show = [](const Settings & s) { return joined(s.eval.caches.sinks, window_text); }});
    table.push_back(
        {.names = {"--kv-evict"},
         .placeholder = "HOW,...",
         .help = "go on evicting while generating: on, off, auto (as the policy's authors have it)",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name,
                    const Value & v) { s.eval.caches.evictions = read_words_or_auto(switch_words, name, v); },
         .show = [](const Settings & s) { return words_or_auto_text(switch_words, s.eval.caches.evictions); }});
    table.push_back({.names = {"--kv-tail-budget"},
                     .placeholder = "N|none,...",
                     .help = "rows that each KV head holds of what comes after the prompt: the last N",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.eval.caches.tails = read_list(name, v, read_tail_budget); },
                     .show = [](const Settings & s) { return joined(s.eval.caches.tails, tail_budget_text); }});
    table.push_back(
        {.names = {"--kv-type"},
         .placeholder = "TYPE,...",
         .help = "type to store keys and values in: one for both, or keys/values as in q8_0/q4_0",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name, const Value & v) { s.eval.caches.types = read_list(name, v, read_types); },
         .show = [](const Settings & s) { return joined(s.eval.caches.types, types_text); }});
    table.push_back({.names = {"--kv-rotate"},
                     .placeholder = "HOW,...",
                     .help = "rotate rows before quantising them to q8_0 or q4_0: on, off",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.eval.caches.rotations = read_words(switch_words, name, v); },
                     .show =
                         [](const Settings & s) {
                             return joined(s.eval.caches.rotations, [](bool on) { return to_word(switch_words, on); });
                         }});
}

}  // namespace

void add_eval_options(std::vector<Option> & table) {
    add_questions(table);
    add_data(table);
    add_caches(table);
}

}  // namespace snapkv::cli

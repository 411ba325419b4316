// The options of `snapkv eval`.
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
         .help = "what is asked: see above",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name, const Value & v) { s.eval.task = from_word(task_words, name, v); },
         .words = word_list(task_words)});
    table.push_back({.names = {"--lengths"},
                     .placeholder = "N,...",
                     .help = "needle, lines, ruler, fidelity: tokens of the prompts",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name, const Value & v) { s.eval.lengths = read_counts(name, v, 1); },
                     .show = [](const Settings & s) { return counts_text(s.eval.lengths); }});
    table.push_back({.names = {"--depths"},
                     .placeholder = "P,...",
                     .help = "needle, lines: where in the document the answer stands, in percent",
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
                     .help = "lines: lines of the documents, instead of --lengths",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name, const Value & v) { s.eval.lines = read_counts(name, v, 1); },
                     .show = [](const Settings & s) { return counts_text(s.eval.lines); }});
    table.push_back({.names = {"--samples"},
                     .placeholder = "N",
                     .help = "at most so many samples of a set, of a length, or of a depth; 0: what is usual, all of a "
                             "data file",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name, const Value & v) { s.eval.samples = read_count(name, v); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.eval.samples); }});
    table.push_back({.names = {"-n", "--n-predict"},
                     .placeholder = "N",
                     .help = "tokens of an answer at most; 0: what the task says, 64 of fidelity",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name, const Value & v) { s.eval.generate = read_count(name, v); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.eval.generate); }});
    table.push_back({.names = {"--needle"},
                     .placeholder = "TEXT",
                     .help = "needle: the sentence to find, with -q as the question and --expect as the answer",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value & v) { s.eval.needle = v; },
                     .show = [](const Settings & s) { return s.eval.needle; }});
    table.push_back({.names = {"--expect"},
                     .placeholder = "TEXT",
                     .help = "needle: what a right answer says",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value & v) { s.eval.expected = v; },
                     .show = [](const Settings & s) { return s.eval.expected; }});
    table.push_back({.names = {"--tasks"},
                     .placeholder = "NAME,...",
                     .help = "longbench: the sets; ruler: the tasks; all where none is named",
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
         .help = "longbench, lines, ruler: a file of JSON lines, or a folder of them; the file's name is the set's",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name, const Value & v) { s.eval.data.emplace_back(v); },
         .repeatable = true,
         .files = Files::Input,
         .paths = [](const Settings & s) { return s.eval.data; }});
    table.push_back({.names = {"--squad"},
                     .placeholder = "FILE",
                     .help = "ruler: the questions of qa_1, SQuAD's JSON",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value & v) { s.eval.squad = v; },
                     .show = [](const Settings & s) { return s.eval.squad.string(); },
                     .files = Files::Input,
                     .paths = [](const Settings & s) { return Paths{s.eval.squad}; }});
    table.push_back({.names = {"--hotpotqa"},
                     .placeholder = "FILE",
                     .help = "ruler: the questions of qa_2, HotpotQA's JSON",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value & v) { s.eval.hotpotqa = v; },
                     .show = [](const Settings & s) { return s.eval.hotpotqa.string(); },
                     .files = Files::Input,
                     .paths = [](const Settings & s) { return Paths{s.eval.hotpotqa}; }});
    table.push_back({.names = {"--skip-broken"},
                     .help = "go on after a broken line of a data file",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value &) { s.eval.skip_broken = true; }});
    table.push_back(
        {.names = {"--prefills"},
         .placeholder = "HOW",
         .help = "shared: questions about one document are branches of one prefill, and a needle test has the needles "
                 "of all depths in one document; each: a document and a prefill of its own for every question",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name, const Value & v) { s.eval.prefills = from_word(prefills_words, name, v); },
         .show = [](const Settings & s) { return to_word(prefills_words, s.eval.prefills); },
         .words = word_list(prefills_words)});
    table.push_back({.names = {"--hide-question"},
                     .help = "let the vote see the document only; the question is read against what it kept",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value &) { s.eval.hide_question = true; },
                     .show = [](const Settings & s) { return std::string(s.eval.hide_question ? "yes" : ""); }});
    table.push_back({.names = {"--no-answer-prefix"},
                     .help = "do not begin the model's answer for it: lines and ruler begin it, needle only with --raw",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name, const Value &) { s.eval.answer_prefix = false; },
                     .show = [](const Settings & s) { return std::string(s.eval.answer_prefix ? "" : "yes"); }});
    table.push_back({.names = {"-s", "--seed"},
                     .placeholder = "N",
                     .help = "which documents are made",
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
         .help =
             "what is kept of keys and values: full, snapkv. Every combination of these lists is a cache of its own "
             "for every question, as a branch of the same prefill",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name,
                    const Value & v) { s.eval.caches.policies = read_words(policy_words, name, v); },
         .show =
             [](const Settings & s) {
                 return joined(s.eval.caches.policies, [](Policy policy) { return to_word(policy_words, policy); });
             }});
    table.push_back({.names = {"--budgets", "--kv-budget"},
                     .placeholder = "N|P%,...",
                     .help = "rows that each KV head keeps, or a share of the tokens before the window",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.eval.caches.budgets = read_list(name, v, read_budget); },
                     .show = [](const Settings & s) { return joined(s.eval.caches.budgets, budget_text); }});
    table.push_back({.names = {"--kv-window"},
                     .placeholder = "N|auto,...",
                     .help = "tokens at the prompt's end that vote and are always kept",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.eval.caches.windows = read_list(name, v, read_window); },
                     .show = [](const Settings & s) { return joined(s.eval.caches.windows, window_text); }});
    table.push_back(
        {.names = {"--kv-kernel"},
         .placeholder = "N,...",
         .help = "width of the pooling over the votes, an odd number",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name, const Value & v) { s.eval.caches.kernels = read_counts(name, v, 1); },
         .show = [](const Settings & s) { return counts_text(s.eval.caches.kernels); }});
    table.push_back({.names = {"--kv-pool"},
                     .placeholder = "HOW,...",
                     .help = "pooling over the votes: max, avg, none",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.eval.caches.poolings = read_words(pooling_words, name, v); },
                     .show =
                         [](const Settings & s) {
                             return joined(s.eval.caches.poolings,
                                           [](Pooling pooling) { return to_word(pooling_words, pooling); });
                         }});
    table.push_back({.names = {"--kv-group"},
                     .placeholder = "HOW,...",
                     .help = "how the votes of the query heads that share a KV head become one: mean, max, sum",
                     .section = section,
                     .commands = serving,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.eval.caches.groups = read_words(group_words, name, v); },
                     .show =
                         [](const Settings & s) {
                             return joined(s.eval.caches.groups,
                                           [](GroupReduce group) { return to_word(group_words, group); });
                         }});
    table.push_back(
        {.names = {"--kv-sink"},
         .placeholder = "N,...",
         .help = "first tokens of the prompt that are always kept",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name, const Value & v) { s.eval.caches.sinks = read_counts(name, v); },
         .show = [](const Settings & s) { return counts_text(s.eval.caches.sinks); }});
    table.push_back(
        {.names = {"--kv-type"},
         .placeholder = "TYPE,...",
         .help = "types in which keys and values are stored; one, or the keys' and the values' as q8_0/q4_0",
         .section = section,
         .commands = serving,
         .read = [](Settings & s, Name name, const Value & v) { s.eval.caches.types = read_list(name, v, read_types); },
         .show = [](const Settings & s) { return joined(s.eval.caches.types, types_text); }});
    table.push_back({.names = {"--kv-rotate"},
                     .placeholder = "HOW,...",
                     .help = "whether rows of q8_0 and q4_0 are rotated before they are rounded: on, off",
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

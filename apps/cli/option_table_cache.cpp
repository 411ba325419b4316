// The options of the cache. What they report is the `kv` object of the JSON output.
#include "clusters.h"
#include "eval/variant.h"
#include "option_table.h"

namespace snapkv::cli {

namespace {

using Json = nlohmann::ordered_json;

bool pools(const Cluster & cluster) {
    return cluster.rule == Cluster::Rule::Kernel;
}

}  // namespace

void add_cache_options(std::vector<Option> & table) {
    const Section section = Section::Cache;
    table.push_back(
        {.names = {"--kv-policy"},
         .placeholder = "POLICY",
         .help =
             "what to keep of the prompt's keys and values: every row (full), or in each KV head the rows that the "
             "prompt's last tokens vote for, as the paper has it (snapkv) or with the choices that lose least (auto), "
             "or as other papers have it (`snapkv policies` lists all). The options below take the place of the "
             "policy's own choices",
         .section = section,
         .commands = prompting,
         .read = [](Settings & s, Name name, const Value & v) { s.cache.policy = from_word(policy_words(), name, v); },
         .show = [](const Settings & s) { return to_word(policy_words(), s.cache.policy); },
         .words = word_list(policy_words()),
         .report = [](const CacheStats & c) { return Json(to_word(policy_words(), c.config.policy)); }});
    table.push_back({.names = {"--kv-budget"},
                     .placeholder = "N|P%|mass:P%[:N]",
                     .help =
                         "rows to keep per KV head, recent rows and sinks included; P%: the recent rows and P percent "
                         "of the tokens before them; mass:P%: as few as hold P percent of the voters' attention, at "
                         "least 64 and at most N (4096)",
                     .section = section,
                     .commands = prompting | in(Command::Inspect),
                     .read = [](Settings & s, Name name, const Value & v) { s.cache.budget = read_budget(name, v); },
                     .show = [](const Settings & s) { return budget_text(s.cache.budget); },
                     .report = [](const CacheStats & c) { return Json(c.budget); }});
    table.push_back(
        {.names = {"--kv-window"},
         .placeholder = "N|auto",
         .help =
             "observation window: how many of the prompt's last tokens vote; auto: from the start of the question to "
             "the end, within the policy's limits; without a question, as many as the policy takes then (not beside "
             "h2o or --kv-evidence accumulated, by which all vote, nor beside streaming, keydiff, none or keys, by "
             "which "
             "none do)",
         .section = section,
         .commands = prompting | in(Command::Bench),
         .read =
             [](Settings & s, Name name, const Value & v) {
                 s.cache.window = v == "auto" ? std::nullopt : std::optional(read_count(name, v, 1));
             },
         .show = [](const Settings & s) { return s.cache.window ? fmt::format("{}", *s.cache.window) : "auto"; },
         .report = [](const CacheStats & c) { return Json(c.window); }});
    table.push_back(
        {.names = {"--kv-recent"},
         .placeholder = "N|auto",
         .help = "how many of the prompt's last rows are kept whatever the vote; they count towards the budget; auto: "
                 "the policy's: from the start of the question to the end, at most half the budget",
         .section = section,
         .commands = prompting | in(Command::Bench),
         .read =
             [](Settings & s, Name name, const Value & v) {
                 s.cache.recent = v == "auto" ? std::nullopt : std::optional(read_count(name, v, 1));
             },
         .show = [](const Settings & s) { return s.cache.recent ? fmt::format("{}", *s.cache.recent) : "auto"; },
         .report = [](const CacheStats & c) { return Json(c.recent); }});
    table.push_back({.names = {"--kv-evidence"},
                     .placeholder = "HOW",
                     .help =
                         "how the attention of a query head's voters to a row becomes its vote: their mean, root mean "
                         "square, the mean of the largest four, the largest, the largest with the mean of all rows' "
                         "for a floor, their mean weighted by recency, the sum over all tokens of the prompt, "
                         "which all vote then, how many give it more than an even share, how little its key "
                         "resembles the others, the mean times the largest of the head's values, or no vote at all: "
                         "the first and the last rows are kept (streaming, "
                         "tova, h2o, scissorhands and keydiff have their own)",
                     .section = section,
                     .commands = prompting | in(Command::Bench),
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.cache.evidence = from_word_or_auto(evidence_words, name, v); },
                     .show = [](const Settings & s) { return to_word_or_auto(evidence_words, s.cache.evidence); },
                     .words = word_list_with_auto(evidence_words),
                     .report = [](const CacheStats & c) { return Json(to_word(evidence_words, c.evidence)); }});
    table.push_back(
        {.names = {"--kv-allocation"},
         .placeholder = "HOW",
         .help = "how rows are divided: the budget to each KV head; more to those heads of a layer whose votes "
                 "stand out (heads); fewer to each further layer (pyramid); more to layers whose votes are spread and "
                 "to their heads whose votes stand out (entropy); or by the votes of all layers and heads "
                 "(global); on average the budget",
         .section = section,
         .commands = prompting,
         .read = [](Settings & s, Name name,
                    const Value & v) { s.cache.allocation = from_word_or_auto(allocation_words, name, v); },
         .show = [](const Settings & s) { return to_word_or_auto(allocation_words, s.cache.allocation); },
         .words = word_list_with_auto(allocation_words),
         .report = [](const CacheStats & c) { return Json(to_word(allocation_words, c.allocation)); }});
    table.push_back(
        {.names = {"--kv-cluster"},
         .placeholder = "RULE|auto",
         .help = "how far a vote keeps the rows around it too. kernel:BACK,AHEAD: so many before and behind its own; "
                 "avg:BACK,AHEAD: the mean over them; reach:BACK,AHEAD: a vote halves every so many rows, so that it "
                 "reaches as far as it stands out; chunk:ROWS: chunks of so many by their mean vote; none. Then "
                 "+words: words whole; after reach +stops: the end of a line "
                 "or a sentence counts twice",
         .section = section,
         .commands = prompting | in(Command::Bench, Command::Observe),
         .read = [](Settings & s, Name name, const Value & v) { s.cache.cluster = read_cluster(name, v); },
         .show = [](const Settings & s) { return s.cache.cluster ? eval::cluster_text(*s.cache.cluster) : "auto"; },
         .report = [](const CacheStats & c) { return Json(eval::cluster_text(c.cluster)); }});
    table.push_back(
        {.names = {"--kv-kernel"},
         .placeholder = "N|auto",
         .help = "width of the pooling over the votes, an odd number: 7 is --kv-cluster kernel:3,3",
         .section = section,
         .commands = prompting | in(Command::Bench, Command::Observe),
         .read =
             [](Settings & s, Name name, const Value & v) {
                 if (v != "auto") {
                     s.cache.cluster =
                         Cluster::kernel(read_kernel(name, v), s.cache.cluster.value_or(Cluster{}).pooling);
                 }
             },
         .show =
             [](const Settings & s) { return s.cache.cluster ? fmt::format("{}", s.cache.cluster->width()) : "auto"; },
         .report = [](const CacheStats & c) { return pools(c.cluster) ? Json(c.cluster.width()) : Json(nullptr); }});
    table.push_back({.names = {"--kv-pool"},
                     .placeholder = "POOL",
                     .help = "how a vote is pooled with its neighbours",
                     .section = section,
                     .commands = prompting | in(Command::Bench, Command::Observe),
                     .read =
                         [](Settings & s, Name name, const Value & v) {
                             if (const auto pooling = from_word_or_auto(pooling_words, name, v)) {
                                 s.cache.cluster = s.cache.cluster.value_or(Cluster{});
                                 s.cache.cluster->pooling = *pooling;
                             }
                         },
                     .show =
                         [](const Settings & s) {
                             return s.cache.cluster ? to_word(pooling_words, s.cache.cluster->pooling) : "auto";
                         },
                     .words = word_list_with_auto(pooling_words),
                     .report =
                         [](const CacheStats & c) {
                             return pools(c.cluster) ? Json(to_word(pooling_words, c.cluster.pooling)) : Json(nullptr);
                         }});
    table.push_back({.names = {"--kv-group"},
                     .placeholder = "HOW",
                     .help =
                         "how the votes of query heads that share a KV head are combined; layer: the mean over all of "
                         "the layer, whose KV heads then keep the same rows",
                     .section = section,
                     .commands = prompting | in(Command::Bench, Command::Observe),
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.cache.group = from_word_or_auto(group_words, name, v); },
                     .show = [](const Settings & s) { return to_word_or_auto(group_words, s.cache.group); },
                     .words = word_list_with_auto(group_words),
                     .report = [](const CacheStats & c) { return Json(to_word(group_words, c.group)); }});
    table.push_back(
        {.names = {"--kv-sink"},
         .placeholder = "N|auto",
         .help = "tokens at the start of the prompt that are always kept; they count towards the budget; "
                 "auto: the policy's, 4 by streaming and keydiff, else none",
         .section = section,
         .commands = prompting | in(Command::Bench),
         .read =
             [](Settings & s, Name name, const Value & v) {
                 s.cache.sink = v == "auto" ? std::nullopt : std::optional(read_count(name, v));
             },
         .show = [](const Settings & s) { return s.cache.sink ? fmt::format("{}", *s.cache.sink) : "auto"; },
         .report = [](const CacheStats & c) { return Json(c.sink); }});
    table.push_back(
        {.names = {"--kv-evict"},
         .placeholder = "HOW",
         .help = "go on evicting while generating, so that prompt and answer together stay within the budget, by the "
                 "rule of the policy's authors; auto: streaming, tova, h2o and scissorhands do, the others cannot. "
                 "Layers with a sliding window hold what they see, recurrent ones have no rows",
         .section = section,
         .commands = prompting,
         .read = [](Settings & s, Name name,
                    const Value & v) { s.cache.evict = from_word_or_auto(switch_words, name, v); },
         .show = [](const Settings & s) { return to_word_or_auto(switch_words, s.cache.evict); },
         .words = word_list_with_auto(switch_words),
         .report = [](const CacheStats & c) { return Json(to_word(switch_words, c.evicts)); }});
    table.push_back(
        {.names = {"--kv-tail-budget"},
         .placeholder = "N|none",
         .help = "rows that each KV head holds of what comes after the prompt, generated tokens and further turns: the "
                 "last N; layers with a sliding window hold what they see, recurrent ones have no rows",
         .section = section,
         .commands = prompting,
         .read = [](Settings & s, Name name, const Value & v) { s.cache.tail_budget = read_tail_budget(name, v); },
         .show = [](const Settings & s) { return tail_budget_text(s.cache.tail_budget); },
         .report =
             [](const CacheStats & c) { return c.config.tail_budget ? Json(*c.config.tail_budget) : Json(nullptr); }});
    table.push_back(
        {.names = {"--kv-type"},
         .placeholder = "TYPE",
         .help = "type to store keys and values in; q8_0 and q4_0 quantise them after the vote, in blocks of 32",
         .section = section,
         .commands = prompting | in(Command::Inspect),
         .read = [](Settings & s, Name name, const Value & v) { s.cache.type = from_word(type_words, name, v); },
         .show = [](const Settings & s) { return types_text(s.cache.type); },
         .words = word_list(type_words),
         .report = [](const CacheStats & c) { return Json(types_text(c.config.type)); }});
    table.push_back(
        {.names = {"--kv-type-k"},
         .placeholder = "TYPE",
         .help = "type to store keys in",
         .section = section,
         .commands = prompting | in(Command::Inspect),
         .read = [](Settings & s, Name name, const Value & v) { s.cache.type.key = from_word(type_words, name, v); },
         .show = [](const Settings & s) { return to_word(type_words, s.cache.type.key); },
         .words = word_list(type_words)});
    table.push_back(
        {.names = {"--kv-type-v"},
         .placeholder = "TYPE",
         .help = "type to store values in",
         .section = section,
         .commands = prompting | in(Command::Inspect),
         .read = [](Settings & s, Name name, const Value & v) { s.cache.type.value = from_word(type_words, name, v); },
         .show = [](const Settings & s) { return to_word(type_words, s.cache.type.value); },
         .words = word_list(type_words)});
    table.push_back(
        {.names = {"--kv-rotate"},
         .placeholder = "HOW",
         .help = "rotate rows before quantising them to q8_0 or q4_0, which loses less; off is for comparison",
         .section = section,
         .commands = prompting | in(Command::Bench),
         .read = [](Settings & s, Name name, const Value & v) { s.cache.rotate = from_word(switch_words, name, v); },
         .show = [](const Settings & s) { return to_word(switch_words, s.cache.rotate); },
         .words = word_list(switch_words),
         .report = [](const CacheStats & c) { return Json(to_word(switch_words, c.config.rotate)); }});
    table.push_back({.names = {"--save-kv"},
                     .placeholder = "FILE",
                     .help = "save the sequence to FILE, answer included; with -n 0 the prompt alone",
                     .section = section,
                     .commands = in(Command::Run),
                     .read = [](Settings & s, Name, const Value & v) { s.save_kv = v; },
                     .files = Files::SavedCache,
                     .paths = [](const Settings & s) { return Paths{s.save_kv}; }});
    table.push_back({.names = {"--snapshots"},
                     .placeholder = "FOLDER",
                     .help =
                         "keep the document's keys and values in FOLDER, a file a document, and take them from there "
                         "the next time: another question about it then costs its own tokens (not with h2o or "
                         "--kv-evidence accumulated, by which all tokens vote)",
                     .section = section,
                     .commands = in(Command::Run),
                     .read = [](Settings & s, Name name, const Value & v) { s.snapshots = non_empty(name, v); },
                     .files = Files::Folder,
                     .paths = [](const Settings & s) { return Paths{s.snapshots}; }});
    table.push_back(
        {.names = {"--load-kv"},
         .placeholder = "FILE",
         .help = "continue a saved sequence instead of reading a document; each -q is a separate turn from it",
         .section = section,
         .commands = in(Command::Run),
         .read = [](Settings & s, Name, const Value & v) { s.load_kv = v; },
         .files = Files::Input,
         .paths = [](const Settings & s) { return Paths{s.load_kv}; }});
}

}  // namespace snapkv::cli

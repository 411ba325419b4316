// The options of the cache. What they report is the `kv` object of the JSON output.
#include "option_table.h"

namespace snapkv::cli {

namespace {

using Json = nlohmann::ordered_json;

}  // namespace

void add_cache_options(std::vector<Option> & table) {
    const Section section = Section::Cache;
    table.push_back(
        {.names = {"--kv-policy"},
         .placeholder = "POLICY",
         .help = "what to keep of the prompt's keys and values: every row, or in each KV head the rows that the "
                 "observation window votes for",
         .section = section,
         .commands = prompting,
         .read = [](Settings & s, Name name, const Value & v) { s.cache.policy = from_word(policy_words, name, v); },
         .show = [](const Settings & s) { return to_word(policy_words, s.cache.policy); },
         .words = word_list(policy_words),
         .report = [](const CacheStats & c) { return Json(to_word(policy_words, c.config.policy)); }});
    table.push_back({.names = {"--kv-budget"},
                     .placeholder = "N|P%",
                     .help = "rows to keep per KV head, window and sinks included; P%: the window and P percent of the "
                             "tokens before it",
                     .section = section,
                     .commands = prompting | in(Command::Inspect),
                     .read = [](Settings & s, Name name, const Value & v) { s.cache.budget = read_budget(name, v); },
                     .show = [](const Settings & s) { return budget_text(s.cache.budget); },
                     .report = [](const CacheStats & c) { return Json(c.budget); }});
    table.push_back(
        {.names = {"--kv-window"},
         .placeholder = "N|auto",
         .help = "observation window: tokens at the end of the prompt that vote and are always kept; auto: from the "
                 "start of the question to the end, at least 32, at most 256 and half the budget",
         .section = section,
         .commands = prompting | in(Command::Bench),
         .read =
             [](Settings & s, Name name, const Value & v) {
                 s.cache.window = v == "auto" ? std::nullopt : std::optional(read_count(name, v, 1));
             },
         .show = [](const Settings & s) { return s.cache.window ? fmt::format("{}", *s.cache.window) : "auto"; },
         .report = [](const CacheStats & c) { return Json(c.window); }});
    table.push_back({.names = {"--kv-kernel"},
                     .placeholder = "N",
                     .help = "width of the pooling over the votes, an odd number",
                     .section = section,
                     .commands = prompting | in(Command::Bench, Command::Observe),
                     .read =
                         [](Settings & s, Name name, const Value & v) {
                             s.cache.kernel = read_count(name, v, 1);
                             if (s.cache.kernel % 2 == 0) {
                                 usage_error("{}: found {}, expected an odd number", name, v);
                             }
                         },
                     .show = [](const Settings & s) { return fmt::format("{}", s.cache.kernel); },
                     .report = [](const CacheStats & c) { return Json(c.config.kernel); }});
    table.push_back(
        {.names = {"--kv-pool"},
         .placeholder = "POOL",
         .help = "how a vote is pooled with its neighbours",
         .section = section,
         .commands = prompting | in(Command::Bench, Command::Observe),
         .read = [](Settings & s, Name name, const Value & v) { s.cache.pooling = from_word(pooling_words, name, v); },
         .show = [](const Settings & s) { return to_word(pooling_words, s.cache.pooling); },
         .words = word_list(pooling_words),
         .report = [](const CacheStats & c) { return Json(to_word(pooling_words, c.config.pooling)); }});
    table.push_back(
        {.names = {"--kv-group"},
         .placeholder = "HOW",
         .help = "how the votes of query heads that share a KV head are combined",
         .section = section,
         .commands = prompting | in(Command::Bench, Command::Observe),
         .read = [](Settings & s, Name name, const Value & v) { s.cache.group = from_word(group_words, name, v); },
         .show = [](const Settings & s) { return to_word(group_words, s.cache.group); },
         .words = word_list(group_words),
         .report = [](const CacheStats & c) { return Json(to_word(group_words, c.config.group)); }});
    table.push_back({.names = {"--kv-sink"},
                     .placeholder = "N",
                     .help = "tokens at the start of the prompt that are always kept; they count towards the budget",
                     .section = section,
                     .commands = prompting | in(Command::Bench),
                     .read = [](Settings & s, Name name, const Value & v) { s.cache.sink = read_count(name, v); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.cache.sink); },
                     .report = [](const CacheStats & c) { return Json(c.config.sink); }});
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

// The options that say how answers are generated.
#include "option_table.h"

namespace snapkv::cli {

void add_answer_options(std::vector<Option> & table) {
    const Section section = Section::Answer;
    const Commands commands = in(Command::Run);
    table.push_back(
        {.names = {"-n", "--n-predict"},
         .placeholder = "N",
         .help = "maximum number of tokens to generate; -1: until the answer or the context ends, 0: prefill only",
         .section = section,
         .commands = commands,
         .read =
             [](Settings & s, Name name, const Value & v) {
                 s.predict = read_integer(name, v, -1, std::numeric_limits<std::int32_t>::max());
             },
         .show = [](const Settings & s) { return fmt::format("{}", s.predict); }});
    table.push_back(
        {.names = {"-s", "--seed"},
         .placeholder = "N",
         .help = "random seed, the same for every answer; -1: a random one",
         .section = section,
         .commands = commands,
         .read =
             [](Settings & s, Name name, const Value & v) {
                 // -1 and 4294967295 are the same: the library's mark for a random seed
                 s.sampling.seed =
                     static_cast<std::uint32_t>(read_integer(name, v, -1, std::numeric_limits<std::uint32_t>::max()));
             },
         .show =
             [](const Settings & s) {
                 return s.sampling.seed == SamplingOptions{}.seed ? "-1" : fmt::format("{}", s.sampling.seed);
             }});
    table.push_back({.names = {"--temp"},
                     .placeholder = "T",
                     .help = "temperature; 0: always take the most likely token",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.sampling.temperature = read_decimal(name, v, 0, any_number); },
                     .show = [](const Settings & s) { return decimal(s.sampling.temperature); }});
    table.push_back({.names = {"--top-k"},
                     .placeholder = "N",
                     .help = "sample from the N most likely tokens; 0: from all",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name name,
                                const Value & v) { s.sampling.top_k = static_cast<std::int32_t>(read_count(name, v)); },
                     .show = [](const Settings & s) { return fmt::format("{}", s.sampling.top_k); }});
    table.push_back(
        {.names = {"--top-p"},
         .placeholder = "P",
         .help = "sample from the most likely tokens whose probabilities add up to P; 1: from all",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.sampling.top_p = read_decimal(name, v, 0, 1); },
         .show = [](const Settings & s) { return decimal(s.sampling.top_p); }});
    table.push_back(
        {.names = {"--min-p"},
         .placeholder = "P",
         .help = "sample from tokens at least P times as likely as the most likely one; 0: from all",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name, const Value & v) { s.sampling.min_p = read_decimal(name, v, 0, 1); },
         .show = [](const Settings & s) { return decimal(s.sampling.min_p); }});
    table.push_back(
        {.names = {"--repeat-penalty"},
         .placeholder = "X",
         .help = "penalise tokens that are among the last 64, prompt included; 1: off",
         .section = section,
         .commands = commands,
         .read = [](Settings & s, Name name,
                    const Value & v) { s.sampling.repeat_penalty = read_decimal(name, v, 0.001, any_number); },
         .show = [](const Settings & s) { return decimal(s.sampling.repeat_penalty); }});
    table.push_back({.names = {"--frequency-penalty"},
                     .placeholder = "X",
                     .help = "penalise tokens for each time that they are among the last 64, prompt included; 0: off, "
                             "less: favour them",
                     .section = section,
                     .commands = commands,
                     .read =
                         [](Settings & s, Name name, const Value & v) {
                             s.sampling.frequency_penalty = read_decimal(name, v, -kMostPenalty, kMostPenalty);
                         },
                     .show = [](const Settings & s) { return decimal(s.sampling.frequency_penalty); }});
    table.push_back(
        {.names = {"--presence-penalty"},
         .placeholder = "X",
         .help =
             "penalise tokens that are among the last 64, however often, prompt included; 0: off, less: favour them",
         .section = section,
         .commands = commands,
         .read =
             [](Settings & s, Name name, const Value & v) {
                 s.sampling.presence_penalty = read_decimal(name, v, -kMostPenalty, kMostPenalty);
             },
         .show = [](const Settings & s) { return decimal(s.sampling.presence_penalty); }});
    table.push_back({.names = {"--grammar"},
                     .placeholder = "GBNF",
                     .help = "grammar in llama.cpp's notation that answers follow",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name, const Value & v) { s.sampling.grammar = v; }});
    table.push_back({.names = {"--grammar-file"},
                     .placeholder = "FILE",
                     .help = "read the grammar from FILE",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name, const Value & v) { s.grammar_file = v; },
                     .files = Files::Input,
                     .paths = [](const Settings & s) { return Paths{s.grammar_file}; }});
    table.push_back({.names = {"-j", "--json-schema"},
                     .placeholder = "SCHEMA",
                     .help = "answer with JSON that this schema describes; {} for any",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name, const Value & v) { s.json_schema = v; }});
    table.push_back({.names = {"-jf", "--json-schema-file"},
                     .placeholder = "FILE",
                     .help = "read the JSON schema from FILE",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name, const Value & v) { s.json_schema_file = v; },
                     .files = Files::Input,
                     .paths = [](const Settings & s) { return Paths{s.json_schema_file}; }});
    table.push_back({.names = {"--logprobs"},
                     .placeholder = "N",
                     .help = "with --json: the log-probability of each token of the answer, and the N likeliest in its "
                             "place",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name name, const Value & v) {
                         constexpr std::int64_t most = 1000;
                         s.logprobs = static_cast<std::uint32_t>(read_integer(name, v, 0, most));
                     }});
    table.push_back({.names = {"--stop"},
                     .placeholder = "TEXT",
                     .help = "stop at this text, which is left out of the answer",
                     .section = section,
                     .commands = commands,
                     .read = [](Settings & s, Name, const Value & v) { s.stop.push_back(v); },
                     .repeatable = true});
}

}  // namespace snapkv::cli

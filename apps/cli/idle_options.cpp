#include "idle_options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "fail.h"
#include "options.h"
#include "words.h"

namespace snapkv::cli {
namespace {

/// Options that do nothing in some circumstance.
struct Rule {
    Commands commands = 0;
    std::vector<std::string_view> options;  ///< by their long names
    bool (*idle)(const Settings &) = nullptr;
    std::string_view when;  ///< ends "--x has no effect ..."
};

template <typename Values, typename Value>
bool all_are(const Values & values, Value value) {
    return std::all_of(values.begin(), values.end(), [value](Value each) { return each == value; });
}

bool keeps_all(const Settings & s) {
    switch (s.command) {
        case Command::Bench:
            return all_are(s.bench.policies, Policy::Full);
        case Command::Eval:
            return all_are(s.eval.caches.policies, Policy::Full);
        default:
            return s.cache.policy == Policy::Full;
    }
}

bool pools_nothing(const Settings & s) {
    if (s.command == Command::Eval) {
        return !s.eval.caches.poolings.empty() && all_are(s.eval.caches.poolings, Pooling::None);
    }
    return s.cache.cluster && s.cache.cluster->pooling == Pooling::None;
}

bool rounds_nothing(const Settings & s) {
    const auto is_float = [](KvTypes types) { return !is_quantised(types.key) && !is_quantised(types.value); };
    switch (s.command) {
        case Command::Bench:
            return std::all_of(s.bench.types.begin(), s.bench.types.end(), is_float);
        case Command::Eval:
            return std::all_of(s.eval.caches.types.begin(), s.eval.caches.types.end(), is_float);
        default:
            return is_float(s.cache.type);
    }
}

/// All that the rows of a saved sequence are was decided when it was saved, and is checked elsewhere.
bool makes_cache(const Settings & s) {
    return s.load_kv.empty();
}

const std::vector<Rule> & rules() {
    static const std::vector<Rule> list = {
        {in(Command::Run, Command::Show, Command::Bench, Command::Eval),
         {"--kv-budget", "--kv-window", "--kv-recent", "--kv-evidence", "--kv-cluster", "--kv-kernel", "--kv-pool",
          "--kv-group", "--kv-allocation", "--kv-sink", "--kv-evict"},
         [](const Settings & s) { return makes_cache(s) && keeps_all(s); },
         "with --kv-policy full"},
        {in(Command::Run, Command::Show, Command::Bench, Command::Eval, Command::Observe),
         {"--kv-kernel", "--kv-pool"},
         [](const Settings & s) { return s.has("--kv-cluster"); },
         "with --kv-cluster, which says it all"},
        {in(Command::Run, Command::Show, Command::Bench, Command::Eval, Command::Observe),
         {"--kv-kernel"},
         [](const Settings & s) { return makes_cache(s) && !keeps_all(s) && pools_nothing(s); },
         "with --kv-pool none"},
        {in(Command::Run, Command::Show, Command::Bench, Command::Eval),
         {"--kv-rotate"},
         [](const Settings & s) { return makes_cache(s) && rounds_nothing(s); },
         "without --kv-type q8_0 or q4_0"},
        {in(Command::Run),
         {"--seed", "--top-k", "--top-p", "--min-p"},
         [](const Settings & s) { return s.predict != 0 && s.sampling.temperature == 0; },
         "at --temp 0, where the most likely token is always taken"},
        {in(Command::Run),
         {"--grammar-file", "--json-schema", "--json-schema-file"},
         [](const Settings & s) { return !s.sampling.grammar.empty(); },
         "with --grammar"},
        {in(Command::Run),
         {"--json-schema", "--json-schema-file"},
         [](const Settings & s) { return !s.grammar_file.empty() && s.sampling.grammar.empty(); },
         "with --grammar-file"},
        {in(Command::Run),
         {"--json-schema-file"},
         [](const Settings & s) {
             return !s.json_schema.empty() && s.grammar_file.empty() && s.sampling.grammar.empty();
         },
         "with --json-schema"},
        {in(Command::Run), {"--logprobs"}, [](const Settings & s) { return !s.json; }, "without --json"},
        {in(Command::Run),
         {"--seed", "--temp", "--top-k", "--top-p", "--min-p", "--repeat-penalty", "--frequency-penalty",
          "--presence-penalty", "--grammar", "--grammar-file", "--json-schema", "--json-schema-file", "--logprobs",
          "--stop"},
         [](const Settings & s) { return s.predict == 0; },
         "with -n 0"},
        {in(Command::Run),
         {"--truncate"},
         [](const Settings & s) { return !s.load_kv.empty() && s.truncate != Truncate::Error; },
         "with --load-kv: there is no document"},
        {in(Command::Run),
         {"--snapshots"},
         [](const Settings & s) { return !s.load_kv.empty(); },
         "with --load-kv: there is no document"},
        {in(Command::Run, Command::Show),
         {"--system-prompt", "--system-prompt-file"},
         [](const Settings & s) { return s.raw; },
         "with --raw: what has no chat template has no system message"},
        {in(Command::Run, Command::Show, Command::Eval, Command::Observe),
         {"--chat-template", "--chat-template-file"},
         [](const Settings & s) { return s.raw; },
         "with --raw"},
        {in(Command::Run, Command::Show),
         {"--system-prompt-file"},
         [](const Settings & s) { return s.system_prompt.has_value(); },
         "with --system-prompt"},
        {in(Command::Run, Command::Show, Command::Eval, Command::Observe),
         {"--chat-template-file"},
         [](const Settings & s) { return !s.chat_template.empty(); },
         "with --chat-template"},
        {in(Command::Run),
         {"--system-prompt", "--system-prompt-file"},
         [](const Settings & s) { return !s.load_kv.empty(); },
         "with --load-kv: a conversation has its system message at the beginning"},
        {in(Command::Run),
         {"--raw", "--chat-template", "--chat-template-file"},
         [](const Settings & s) { return !s.load_kv.empty() && s.questions.empty() && !s.prompt; },
         "with --load-kv and no further turn (-q)"},
    };
    return list;
}

/// An option of an experiment and where it does something.
struct Place {
    std::string_view option;  ///< by its long name
    bool (*useful)(const Settings &) = nullptr;
    std::string_view where;  ///< ends "--x is only for ..."
};

bool task_is(const Settings & s, std::initializer_list<EvalTask> tasks) {
    return std::find(tasks.begin(), tasks.end(), s.eval.task) != tasks.end();
}

/// Documents and questions are made, not read.
bool makes_samples(const Settings & s) {
    return s.eval.data.empty();
}

const std::vector<Place> & eval_places() {
    using enum EvalTask;
    static const std::vector<Place> list = {
        {"--lengths",
         [](const Settings & s) {
             return task_is(s, {Needle, Lines, Ruler, Fidelity}) && makes_samples(s) && s.eval.lines.empty();
         },
         "needle and fidelity, and for lines and ruler without --data or --lines"},
        {"--depths",
         [](const Settings & s) {
             return task_is(s, {Needle, Lines}) && makes_samples(s);
         },
         "needle, and lines without --data"},
        {"--lines", [](const Settings & s) { return task_is(s, {Lines}) && makes_samples(s); }, "lines without --data"},
        {"--samples",
         [](const Settings & s) {
             return task_is(s, {LongBench, Ruler, Fidelity}) || (task_is(s, {Lines}) && !makes_samples(s));
         },
         "longbench, ruler, fidelity, and lines with --data"},
        {"--needle", [](const Settings & s) { return task_is(s, {Needle}); }, "needle"},
        {"--expect", [](const Settings & s) { return task_is(s, {Needle}) && !s.eval.needle.empty(); },
         "needle with --needle"},
        {"--question",
         [](const Settings & s) { return task_is(s, {Fidelity}) || (task_is(s, {Needle}) && !s.eval.needle.empty()); },
         "fidelity, and needle with --needle"},
        {"--tasks",
         [](const Settings & s) { return task_is(s, {LongBench}) || (task_is(s, {Ruler}) && makes_samples(s)); },
         "longbench, and ruler without --data"},
        {"--data",
         [](const Settings & s) {
             return task_is(s, {LongBench, Lines, Ruler});
         },
         "longbench, lines and ruler"},
        {"--squad", [](const Settings & s) { return task_is(s, {Ruler}) && makes_samples(s); }, "ruler without --data"},
        {"--hotpotqa", [](const Settings & s) { return task_is(s, {Ruler}) && makes_samples(s); },
         "ruler without --data"},
        {"--skip-broken", [](const Settings & s) { return !makes_samples(s); }, "tasks that read data files (--data)"},
        {"--prefills", [](const Settings & s) { return !task_is(s, {Fidelity}); }, "tasks with questions"},
        {"--no-answer-prefix",
         [](const Settings & s) {
             return task_is(s, {Lines, Ruler}) || (task_is(s, {Needle}) && s.raw);
         },
         "lines, ruler, and needle with --raw"},
        {"--seed",
         [](const Settings & s) {
             return task_is(s, {Needle, Lines, Ruler}) && makes_samples(s);
         },
         "needle, and lines and ruler without --data"},
        {"--file",
         [](const Settings & s) {
             return task_is(s, {Needle, Fidelity}) || (task_is(s, {Ruler}) && makes_samples(s));
         },
         "needle, fidelity, and ruler without --data"},
    };
    return list;
}

const std::vector<Place> & observe_places() {
    using enum Observation;
    static const std::vector<Place> list = {
        {"--windows", [](const Settings & s) { return s.observe.what == Windows; }, "windows"},
        {"--threshold",
         [](const Settings & s) {
             return s.observe.what == Windows || s.observe.what == Generation || s.observe.what == Position;
         },
         "windows, generation and position"},
    };
    return list;
}

void check_places(const Settings & settings, const std::vector<Place> & places) {
    for (const Place & place : places) {
        if (settings.has(place.option) && !place.useful(settings)) {
            usage_error("{} is only for {}", place.option, place.where);
        }
    }
}

}  // namespace

std::vector<std::string> idle_options(const Settings & settings) {
    std::vector<std::string> reasons;
    for (const Rule & rule : rules()) {
        if ((rule.commands & in(settings.command)) == 0 || !rule.idle(settings)) {
            continue;
        }
        std::vector<std::string_view> given;
        std::copy_if(rule.options.begin(), rule.options.end(), std::back_inserter(given),
                     [&](std::string_view option) { return settings.has(option); });
        if (!given.empty()) {
            reasons.push_back(fmt::format("{} {} no effect {}", fmt::join(given, ", "),
                                          given.size() == 1 ? "has" : "have", rule.when));
        }
    }
    return reasons;
}

void check_idle_options(const Settings & settings) {
    if (settings.command == Command::Eval && settings.has("TASK")) {
        check_places(settings, eval_places());
    }
    if (settings.command == Command::Observe && settings.has("WHAT")) {
        check_places(settings, observe_places());
    }
    for (const std::string & reason : idle_options(settings)) {
        warn("{}", reason);
    }
}

}  // namespace snapkv::cli

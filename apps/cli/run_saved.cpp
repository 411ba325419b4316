// `snapkv run --load-kv`: generation goes on from a saved sequence, or each message is a turn of its own from it.
#include <algorithm>

#include "answering.h"
#include "commands.h"
#include "engine.h"
#include "fail.h"
#include "format.h"
#include "input.h"
#include "interrupt.h"
#include "options.h"
#include "output_file.h"
#include "progress.h"
#include "prompts.h"
#include "standard_output.h"
#include "status.h"

namespace snapkv::cli {
namespace {

/// A --kv-* option that is given must say what the file was made with: the same words, or the number that they became.
void check_agreement(const Settings & settings, const CacheStats & saved) {
    Settings file = settings;
    file.cache = saved.config;
    for (const Option & option : options()) {
        if (!option.long_name().starts_with("--kv-") || !settings.has(option.long_name())) {
            continue;
        }
        const std::string asked = option.show(settings);
        const bool became = option.report != nullptr && asked == option.report(saved).dump();
        if (const std::string found = option.show(file); asked != found && !became) {
            usage_error("{} {} contradicts {}, which was made with {}", option.long_name(), asked,
                        settings.load_kv.string(), found);
        }
    }
}

struct Turn {
    std::string message;
    std::vector<Token> tokens;
};

/// One turn a message, without its tokens; one without a message where there is none.
std::vector<Turn> untokenized_turns(const Settings & settings) {
    std::vector<Turn> turns;
    for (const std::string & message : settings.questions) {
        turns.push_back({message, {}});
    }
    if (settings.prompt || turns.empty()) {
        turns.push_back({settings.prompt.value_or(""), {}});
    }
    return turns;
}

std::vector<Turn> make_turns(const Settings & settings, const Session & session, const Sequence & saved) {
    std::vector<Turn> turns = untokenized_turns(settings);
    for (Turn & turn : turns) {
        if (!turn.message.empty()) {
            turn.tokens = session.turn_tokens(saved, turn.message, settings.raw, settings.parse_special);
        }
    }
    for (const Turn & turn : turns) {
        check_fit(settings, saved.tokens().size() + turn.tokens.size(), session.context());
    }
    return turns;
}

/// The saved rows, and the most that a prompt of any turn's new tokens takes. Where there are none, only the answer's
/// rows are still to come; a single token stands for them, for its memory alone.
Estimate estimate_turns(const Settings & settings, const Session & session, const Sequence & saved,
                        const std::vector<Turn> & turns) {
    CacheConfig full = saved.cache_stats().config;
    full.policy = Policy::Full;
    Estimate sum;
    for (const Turn & turn : turns) {
        Prompt prompt;
        prompt.tokens = turn.tokens.empty() ? std::vector<Token>{saved.tokens().back()} : turn.tokens;
        prompt.document_end = prompt.question_begin = prompt.tokens.size();
        const Branch branch{std::move(prompt), full};
        const std::size_t before = saved.tokens().size() + turn.tokens.size();
        const Estimate each = session.estimate({&branch, 1}, most_generated(settings, before, session.context()));
        if (!turn.tokens.empty()) {
            sum.prompt_tokens += each.prompt_tokens;
            sum.seconds += each.seconds;
        }
        sum.bytes_needed = std::max(sum.bytes_needed, each.bytes_needed);
        sum.bytes_available = each.bytes_available;
        sum.bytes_held = each.bytes_held;
    }
    // The saved rows are loaded: what is available is what they have left.
    const std::uint64_t tail = saved.tokens().size() - saved.prompt_tokens();
    const std::uint64_t loaded =
        saved.cache_stats().bytes_kept + tail * session.model().info().cache_bytes_per_token(full.type);
    sum.bytes_needed += loaded;
    sum.bytes_available += loaded;
    return sum;
}

Answer blank_answer(const Turn & turn, const Sequence & sequence) {
    Answer answer;
    answer.question = turn.message;
    answer.prompt_tokens = sequence.tokens().size();
    answer.cache = sequence.cache_stats();
    return answer;
}

/// Appends the turn and generates. Returns false where the turn itself was cut short.
bool take_turn(Answering & answering, Session & session, Sequence & sequence, const Turn & turn, bool dump,
               std::vector<Kept> & kept) {
    Report & report = answering.report();
    if (!interrupted() && !turn.tokens.empty()) {
        ProgressLine line;
        const AppendStats stats = session.append(sequence, turn.tokens, {}, {.progress = drawer(line, turn_state)});
        report.computed_tokens += stats.tokens;
        report.prompt_ms += stats.ms;
    }
    const bool whole = !interrupted();
    if (whole) {
        if (dump) {
            kept.push_back({sequence.tokens().size(), sequence.kept_positions()});
        }
        answering.answer(sequence, blank_answer(turn, sequence));
    } else {
        answering.skip(blank_answer(turn, sequence));
    }
    return whole;
}

/// Ends a run that was interrupted while its turns were tokenized.
int finish_untokenized(const Settings & settings, Answering & answering, const Sequence & saved) {
    if (settings.dry_run) {
        return interrupted_status();
    }
    for (const Turn & turn : untokenized_turns(settings)) {
        answering.skip(blank_answer(turn, saved));
    }
    answering.skip_files();
    return answering.finish();
}

}  // namespace

int run_saved(const Settings & settings) {
    watch_interrupts();
    const Stopwatch loading;
    const Model model = load_model(settings);
    Session session = make_session(model, settings, context_for(settings, model.info().trained_context, 0));
    const std::optional<std::string> grammar = unless_interrupted([&] { return read_grammar(settings, model); });
    Sequence saved = session.load(settings.load_kv);
    const double load_ms = loading.milliseconds();
    check_agreement(settings, saved.cache_stats());
    Answering answering(settings, &session, grammar.value_or(""));
    answering.report().several = settings.questions.size() > 1;
    answering.report().load_ms = load_ms;
    answering.report().shared_tokens = saved.tokens().size();
    const std::optional<std::vector<Turn>> made =
        unless_interrupted([&] { return make_turns(settings, session, saved); });
    if (!made) {
        return finish_untokenized(settings, answering, saved);
    }
    const std::vector<Turn> & turns = *made;
    note("{} loaded from {}", count_text(saved.tokens().size(), "token"), settings.load_kv.string());
    const bool prefills =
        std::any_of(turns.begin(), turns.end(), [](const Turn & turn) { return !turn.tokens.empty(); });
    if (settings.dry_run || prefills) {
        const Estimate estimate = estimate_turns(settings, session, saved, turns);
        if (settings.dry_run) {
            return interrupted() ? interrupted_status() : finish_dry_run(settings, estimate, model.info());
        }
        say_estimate(estimate, model.info());
    }

    const bool dump = !settings.dump_kept.empty();
    std::vector<Kept> kept;  // copies of all positions: of no use but to be dumped
    bool whole = true;
    for (const Turn & turn : turns) {
        if (turns.size() == 1) {
            whole = take_turn(answering, session, saved, turn, dump, kept);
        } else {
            Sequence fork = saved.fork();
            whole = take_turn(answering, session, fork, turn, dump, kept) && whole;
        }
    }
    if (!whole) {
        answering.skip_files();
        return answering.finish();
    }
    if (dump) {
        answering.save("--dump-kept", [&] {
            write_file(settings.dump_kept, json_text(kept_json(kept, turns.size() > 1)) + "\n");
            return true;
        });
    }
    if (!settings.save_kv.empty()) {
        answering.save("--save-kv", [&] { return session.save(saved, settings.save_kv); });
    }
    return answering.finish();
}

}  // namespace snapkv::cli

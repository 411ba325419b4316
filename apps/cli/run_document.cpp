// `snapkv run` on a document: one prefill, then the answers one after the other.
#include <algorithm>

#include "answering.h"
#include "commands.h"
#include "engine.h"
#include "input.h"
#include "interrupt.h"
#include "output_file.h"
#include "standard_output.h"
#include "status.h"

namespace snapkv::cli {
namespace {

void dump_kept(const Settings & settings, const std::vector<Sequence> & sequences) {
    std::vector<Kept> kept;
    for (const Sequence & sequence : sequences) {
        kept.push_back({sequence.prompt_tokens(), sequence.kept_positions()});
    }
    write_file(settings.dump_kept, json_text(kept_json(kept, sequences.size() > 1)) + "\n");
}

Answer blank_answer(const Settings & settings, std::size_t index, std::size_t prompt_tokens) {
    Answer answer;
    if (index < settings.questions.size()) {
        answer.question = settings.questions[index];
    }
    answer.prompt_tokens = prompt_tokens;
    answer.cache = unfinished_cache(settings.cache);
    return answer;
}

/// Ends a run that was interrupted before it had its prompts.
int finish_unprepared(const Settings & settings) {
    Answering answering(settings, nullptr);
    const std::size_t answers = std::max<std::size_t>(settings.questions.size(), 1);
    answering.report().several = answers > 1;
    for (std::size_t i = 0; i < answers; ++i) {
        answering.skip(blank_answer(settings, i, 0));
    }
    answering.skip_files();
    return answering.finish();
}

void take_prefill(Report & report, const PrefillStats & stats) {
    report.shared_tokens = stats.trunk_tokens;
    report.computed_tokens = stats.computed_tokens;
    report.prompt_ms = stats.prompt_ms;
}

}  // namespace

int run_document(const Settings & settings) {
    const std::string document = read_document(settings);
    watch_interrupts();
    std::optional<Prepared> prepared_run = unless_interrupted([&] { return prepare(settings, document); });
    if (settings.dry_run && interrupted()) {
        return interrupted_status();
    }
    if (!prepared_run) {
        return finish_unprepared(settings);
    }
    Prepared & prepared = *prepared_run;
    const ModelInfo & model = prepared.session.model().info();
    if (settings.dry_run) {
        const Estimate estimate =
            prepared.session.estimate(prepared.branches, settings.predict, prepared.snapshots.options);
        return interrupted() ? interrupted_status() : finish_dry_run(settings, estimate, model);
    }

    Answering answering(settings, &prepared.session, prepared.grammar);
    answering.report().several = prepared.branches.size() > 1;
    answering.report().load_ms = prepared.load_ms;
    PrefillResult result;
    if (!interrupted()) {
        result = prefill(settings, prepared);
    }
    take_prefill(answering.report(), result.stats);
    if (!settings.snapshots.empty()) {
        answering.report().snapshot_tokens = result.stats.held_tokens;
    }
    if (result.sequences.empty()) {
        for (std::size_t i = 0; i < prepared.branches.size(); ++i) {
            answering.skip(blank_answer(settings, i, prepared.branches[i].prompt.tokens.size()));
        }
        answering.skip_files();
        return answering.finish();
    }

    if (!settings.dump_kept.empty()) {
        answering.save("--dump-kept", [&] {
            dump_kept(settings, result.sequences);
            return true;
        });
    }
    for (std::size_t i = 0; i < result.sequences.size(); ++i) {
        Sequence sequence = std::move(result.sequences[i]);  // gone when its answer is done
        Answer answer = blank_answer(settings, i, prepared.branches[i].prompt.tokens.size());
        answer.cache = sequence.cache_stats();
        answer.compress_ms = i < result.stats.branch_compress_ms.size() ? result.stats.branch_compress_ms[i] : 0;
        answering.answer(sequence, std::move(answer));
        if (!settings.save_kv.empty()) {
            answering.save("--save-kv", [&] { return prepared.session.save(sequence, settings.save_kv); });
        }
    }
    return answering.finish();
}

}  // namespace snapkv::cli

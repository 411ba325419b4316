// `snapkv run` on a document: one prefill, then the answers one after the other.
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

Answer blank_answer(const Settings & settings, const Prepared & prepared, std::size_t index) {
    Answer answer;
    if (index < settings.questions.size()) {
        answer.question = settings.questions[index];
    }
    answer.prompt_tokens = prepared.branches[index].prompt.tokens.size();
    answer.cache = unfinished_cache(settings.cache);
    return answer;
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
    Prepared prepared = prepare(settings, document);
    if (settings.dry_run && interrupted()) {
        return interrupted_status();
    }
    const ModelInfo & model = prepared.session.model().info();
    if (settings.dry_run) {
        return finish_dry_run(settings, prepared.estimate, model);
    }
    say_estimate(prepared.estimate, model);

    Answering answering(settings, prepared.session);
    answering.report().several = prepared.branches.size() > 1;
    answering.report().load_ms = prepared.load_ms;
    PrefillResult result;
    if (!interrupted()) {
        result = prefill(prepared);
    }
    take_prefill(answering.report(), result.stats);
    if (result.sequences.empty()) {
        for (std::size_t i = 0; i < prepared.branches.size(); ++i) {
            answering.skip(blank_answer(settings, prepared, i));
        }
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
        Answer answer = blank_answer(settings, prepared, i);
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

// `snapkv eval`.
#include "commands.h"
#include "engine.h"
#include "eval/answers_report.h"
#include "eval/experiment.h"
#include "eval/fidelity_report.h"
#include "eval_fidelity.h"
#include "eval_parts.h"
#include "experiment_folder.h"
#include "fail.h"
#include "format.h"
#include "interrupt.h"
#include "progress.h"
#include "status.h"
#include "words.h"

namespace snapkv::cli {
namespace {

struct Presentation {
    eval::AnswersLayout layout;
    const char * title;
};

Presentation presentation_of(EvalTask task) {
    switch (task) {
        case EvalTask::Needle:
            return {eval::AnswersLayout::Grid, "Needle in a haystack"};
        case EvalTask::Lines:
            return {eval::AnswersLayout::Lines, "LongEval lines"};
        case EvalTask::LongBench:
            return {eval::AnswersLayout::Sets, "LongBench"};
        case EvalTask::Ruler:
        case EvalTask::Fidelity:
            break;
    }
    return {eval::AnswersLayout::Tasks, "RULER"};
}

Progress questions_state(const eval::QuestionsDone & done) {
    const std::string left = done.share > 0 ? seconds_text(done.seconds_left) : "?";
    return {"", done.share, {fmt::format("{}/{}", done.done, done.total), left + " left", done.what}};
}

/// The data files of tasks that have any.
std::vector<std::filesystem::path> data_of(const Settings & settings) {
    const EvalTask task = settings.eval.task;
    std::vector<std::filesystem::path> files;
    if (task != EvalTask::Needle && task != EvalTask::Fidelity) {
        files = data_files(settings);
    }
    if (task == EvalTask::Ruler) {
        for (const std::filesystem::path & file : {settings.eval.squad, settings.eval.hotpotqa}) {
            if (!file.empty()) {
                files.push_back(file);
            }
        }
    }
    return files;
}

bool ask(const Settings & settings, Session & session, const Document & document, ExperimentFolder & folder) {
    const std::vector<eval::Part> parts = eval_parts(settings, session.model(), session.context(), document);
    const std::vector<eval::Variant> variants = eval::make_variants(settings.eval.caches);
    eval::AskOptions options;
    options.raw = settings.raw;
    options.hide_question = settings.eval.hide_question;
    options.answer_prefix = settings.eval.answer_prefix;
    options.max_tokens = settings.eval.generate;
    std::size_t samples = 0;
    for (const eval::Part & part : parts) {
        samples += part.samples.size();
    }
    note("{} with {} each", count_text(samples, "question"), count_text(variants.size(), "cache"));
    ProgressLine line;
    return eval::ask_all(session, parts, variants, options, settings.eval.prefills == Prefills::Shared,
                         folder.journal(), [&](const eval::QuestionsDone & done) {
                             if (line.due()) {
                                 line.draw(questions_state(done));
                             }
                         });
}

}  // namespace

int evaluate(const Settings & settings) {
    if (!settings.has("TASK")) {
        usage_error("no task given: expected one of {} (see snapkv eval --help)",
                    fmt::join(word_list(task_words), ", "));
    }
    const Document document = settings.files.empty() ? Document{} : read_sources(settings);
    watch_interrupts();
    const Model model = load_model(settings);
    const std::uint32_t context = settings.context != 0 ? settings.context : model.info().trained_context;
    Session session = make_session(model, settings, context);
    const bool fidelity = settings.eval.task == EvalTask::Fidelity;
    if (fidelity) {
        check_fidelity(settings, document, context);
    } else {
        check_asked(settings, document, context);
    }
    ExperimentFolder folder(settings, "eval-" + to_word(task_words, settings.eval.task), model, document,
                            data_of(settings));
    const bool whole = unless_interrupted([&] {
                           return fidelity ? follow_all(settings, session, document.text, folder)
                                           : ask(settings, session, document, folder);
                       }).value_or(false);
    if (!whole) {
        note("interrupted: run the same command again to resume");
    }
    if (!folder.journal().records().empty()) {
        const Presentation how = presentation_of(settings.eval.task);
        folder.write(fidelity ? eval::fidelity_report(folder.journal().records())
                              : eval::answers_report(folder.journal().records(), how.layout, how.title));
    }
    return whole ? status_ok : interrupted_status();
}

}  // namespace snapkv::cli

#include "engine.h"

#include <filesystem>
#include <system_error>

#include "fail.h"
#include "format.h"
#include "input.h"
#include "interrupt.h"
#include "json.h"
#include "options.h"
#include "progress.h"
#include "prompts.h"
#include "standard_output.h"
#include "status.h"

namespace snapkv::cli {
namespace {

/// What the loaded model holds beside its mapped file is part of what a run needs, and is no longer available.
std::string needs_text(const Estimate & estimate, const ModelInfo & model) {
    return fmt::format("needs {} of memory besides the model's {}",
                       bytes_text(estimate.bytes_needed + estimate.bytes_held), bytes_text(model.weight_bytes));
}

std::string available_text(const Estimate & estimate) {
    return bytes_text(estimate.bytes_available + estimate.bytes_held);
}

/// The whole prefill; a snapshot that cannot be written is no reason to stop.
PrefillResult run_prefill(const Settings & settings, Prepared & prepared, const PrefillOptions & options) {
    if (!options.hold_file.empty()) {
        const std::filesystem::path folder = options.hold_file.parent_path();
        std::error_code error;
        if (std::filesystem::create_directories(folder, error)) {  // it will hold what was read
            std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
        }
    }
    PrefillTask task = prepared.session.begin_prefill(prepared.branches, options);
    say_estimate(task.estimate(settings.predict), prepared.session.model().info());
    {
        ProgressLine line;
        const CallOptions call{.progress = drawer(line)};
        while (task.advance(call)) {
        }
    }
    if (const std::string error = task.document_error(); !error.empty()) {
        warn("no snapshot is kept: {}", error);
    }
    return task.take();
}

}  // namespace

Model load_model(const Settings & settings) {
    ModelOptions options;
    options.rope = settings.rope;
    if (settings.context != 0) {
        options.rope.context = settings.context;
    }
    options.chat_template = read_chat_template(settings);
    options.warn = [](std::string_view line) { warn("{}", line); };
    options.stop = &interrupt_flag();
    if (settings.verbose) {
        options.log = [](std::string_view line) { note("{}", line); };
        note("{}", configuration(settings));
    }
    return Model::load(settings.model, options);
}

SessionOptions session_options(const Settings & settings, std::uint32_t context) {
    SessionOptions options;
    options.threads = settings.threads;
    options.threads_batch = settings.threads_batch;
    options.batch = settings.batch;
    options.context = context;
    options.allow_long = settings.allow_long;
    options.attention = settings.attention;
    options.products = settings.products;
    options.stop = &interrupt_flag();
    if (settings.verbose) {
        options.log = [](std::string_view line) { note("{}", line); };
    }
    return options;
}

Session make_session(const Model & model, const Settings & settings, std::uint32_t context) {
    Session session(model, session_options(settings, context));
    if (session.context() > model.info().trained_context) {
        warn("a context of {} is longer than the {} that the model was trained with",
             count_text(session.context(), "token"), count_text(model.info().trained_context));
    }
    return session;
}

Prepared prepare(const Settings & settings, const std::string & document) {
    const Stopwatch loading;
    const Model model = load_model(settings);
    const double model_ms = loading.milliseconds();
    FittedPrompts fitted = fit_prompts(model, settings, document);
    const Stopwatch starting;
    Prepared prepared{make_session(model, settings, fitted.context), {}, {}, {}, 0};
    prepared.load_ms = model_ms + starting.milliseconds();
    for (Prompt & prompt : fitted.prompts) {
        prepared.branches.push_back({std::move(prompt), settings.cache});
    }
    prepared.grammar = read_grammar(settings, model);
    prepared.snapshots = find_snapshots(settings, prepared.session, prepared.branches);
    if (fitted.dropped > 0) {
        warn("{} dropped from the middle of the document", count_text(fitted.dropped, "token"));
    }
    return prepared;
}

void say_estimate(const Estimate & estimate, const ModelInfo & model) {
    const std::string needs =
        fmt::format("{} to prefill; {}", count_text(estimate.prompt_tokens, "token"), needs_text(estimate, model));
    if (estimate.fits()) {
        note("{}; about {}", needs, seconds_text(estimate.seconds));
    } else {
        note("{}; {} is available", needs, available_text(estimate));
    }
}

int finish_dry_run(const Settings & settings, const Estimate & estimate, const ModelInfo & model) {
    if (estimate.fits()) {
        say_estimate(estimate, model);
    }
    if (settings.json) {
        print_json(estimate_json(estimate));
    }
    finish_standard_output();
    if (!estimate.fits()) {
        machine_error("the run {}; {} is available", needs_text(estimate, model), available_text(estimate));
    }
    return status_ok;
}

PrefillResult prefill(const Settings & settings, Prepared & prepared) {
    PrefillResult result;
    try {
        result = run_prefill(settings, prepared, prepared.snapshots.options);
    } catch (const Error & error) {
        // Its file is damaged or cannot be read, or its rows take more memory than there is.
        const bool of_document = error.kind() == ErrorKind::Input || error.kind() == ErrorKind::Machine;
        if (!prepared.snapshots.options.document || !of_document) {
            throw;
        }
        warn("{}; the prefill begins again without a snapshot", error.what());
        result = run_prefill(settings, prepared, prepared.snapshots.without);
    }
    if (result.stats.held_tokens > 0) {
        note("{} of the document were read from a snapshot", count_text(result.stats.held_tokens, "token"));
    }
    for (std::size_t i = 0; i < result.sequences.size(); ++i) {
        const CacheStats & stats = result.sequences[i].cache_stats();
        if (stats.window_cuts_question) {
            const Prompt & prompt = prepared.branches[i].prompt;
            warn(
                "the observation window of {} is shorter than the question, which begins {} before the end of the "
                "prompt",
                count_text(stats.window, "token"), count_text(prompt.tokens.size() - prompt.question_begin, "token"));
        }
    }
    return result;
}

}  // namespace snapkv::cli

#include "eval_parts.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "eval/lines.h"
#include "eval/longbench.h"
#include "eval/longeval.h"
#include "eval/needle.h"
#include "eval/ruler.h"
#include "eval/ruler_file.h"
#include "eval/utf8_text.h"
#include "experiment_folder.h"
#include "fail.h"
#include "format.h"

namespace snapkv::cli {
namespace {

using eval::Metric;
using eval::Part;
using eval::Sample;

/// The first so many; all where 0 are asked for.
void keep_first(std::vector<Sample> & samples, std::uint32_t count) {
    if (count > 0 && samples.size() > count) {
        samples.resize(count);
    }
}

void report_skipped(const eval::SampleFile & file) {
    for (const std::string & reason : file.skipped) {
        warn("skipped: {}", reason);
    }
}

/// The files themselves, and the JSON lines of folders.
std::vector<std::filesystem::path> named_files(const Settings & settings) {
    std::vector<std::filesystem::path> files;
    for (const std::filesystem::path & path : settings.eval.data) {
        std::error_code error;
        if (!std::filesystem::is_directory(path, error)) {
            files.push_back(path);
            continue;
        }
        std::vector<std::filesystem::path> found;
        for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
             entry.increment(error)) {
            if (entry->path().extension() == ".jsonl") {
                found.push_back(entry->path());
            }
        }
        if (error || found.empty()) {
            input_error("--data: {}: {}", path.string(), error ? error.message() : "contains no .jsonl file");
        }
        std::sort(found.begin(), found.end());
        files.insert(files.end(), found.begin(), found.end());
    }
    return files;
}

/// What each file is called among the others: by its stem, and by its folder too where stems are the same, as in
/// RULER's own layout (vt/validation.jsonl, cwe/validation.jsonl). Throws Error(Usage) where that does not tell files
/// apart.
std::vector<std::string> names_of(const std::vector<std::filesystem::path> & files) {
    std::map<std::string, std::size_t> stems;
    for (const std::filesystem::path & file : files) {
        ++stems[file.stem().string()];
    }
    std::vector<std::string> names;
    for (const std::filesystem::path & file : files) {
        const std::filesystem::path folder =
            std::filesystem::absolute(file).lexically_normal().parent_path().filename();
        const std::string stem = file.stem().string();
        std::string name = eval::valid_utf8(stems[stem] > 1 ? (folder / stem).string() : stem);
        if (const auto same = std::find(names.begin(), names.end(), name); same != names.end()) {
            usage_error("--data: the results of {} and {} would both be called {}; rename one of them",
                        files[static_cast<std::size_t>(same - names.begin())].string(), file.string(), name);
        }
        names.push_back(std::move(name));
    }
    return names;
}

/// Throws Error(Usage) for a name in --tasks that is none of these.
void check_names(const Settings & settings, const std::vector<std::string> & names) {
    for (const std::string & name : settings.eval.sets) {
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            usage_error("--tasks: \"{}\" is not one of {}", name, fmt::join(names, ", "));
        }
    }
}

std::vector<std::string> ruler_names() {
    std::vector<std::string> names;
    for (const eval::RulerTask & task : eval::ruler_tasks()) {
        names.emplace_back(task.name);
    }
    return names;
}

bool wanted(const Settings & settings, std::string_view name) {
    const std::vector<std::string> & sets = settings.eval.sets;
    return sets.empty() || std::find(sets.begin(), sets.end(), name) != sets.end();
}

/// The tasks of RULER that are made. Without --tasks, those that need files of questions only where these are given.
std::vector<eval::RulerTask> asked_ruler_tasks(const Settings & settings) {
    std::vector<eval::RulerTask> tasks;
    for (const eval::RulerTask & task : eval::ruler_tasks()) {
        const bool left_out = (task.name == "qa_1" && settings.eval.squad.empty()) ||
                              (task.name == "qa_2" && settings.eval.hotpotqa.empty());
        if (wanted(settings, task.name) && !(settings.eval.sets.empty() && left_out)) {
            tasks.push_back(task);
        }
    }
    return tasks;
}

/// Makes the samples of tasks that are generated, by the model's own tokens.
class Maker {
public:
    Maker(const Settings & settings, const Model & model, std::uint32_t context, const Document & document)
        : settings_(settings), model_(model), context_(context), document_(document) {
        const std::string word = "x";
        const auto around = settings.raw ? model.raw_prompt(word).tokens.size() : model.chat_prompt(word).tokens.size();
        template_ = around - count_(word);
    }

    [[nodiscard]] std::vector<Part> needle() const {
        const EvalSettings & asked = settings_.eval;
        const eval::Haystack haystack(document_.text, document_.sources.front().name);
        eval::NeedleTask task;
        task.shared = asked.prefills == Prefills::Shared && asked.needle.empty();
        if (!asked.needle.empty()) {
            task.needle = {asked.needle, settings_.questions.front(), asked.expected};
        }
        task.depths = depths({0, 0.25, 0.5, 0.75, 1});
        task.seed = asked.seed;
        task.max_tokens = answer_tokens(64);
        task.answer_prefix = asked.answer_prefix && settings_.raw;
        Part part{.name = "needle", .samples = {}, .metrics = {Metric::WordRecall, Metric::NeedleRouge1}};
        for (const std::uint32_t length : lengths(task.max_tokens)) {
            add(part, eval::needle_samples(task, haystack, prompt_room(length, task.max_tokens), count_), length);
        }
        return {part};
    }

    [[nodiscard]] std::vector<Part> lines() const {
        Part part{.name = "lines", .samples = {}, .metrics = {Metric::NumberRight, Metric::DigitsRight}};
        if (!settings_.eval.data.empty()) {
            const std::vector<std::filesystem::path> files = data_files(settings_);
            const std::vector<std::string> names = names_of(files);
            std::set<std::string> ids;
            for (std::size_t i = 0; i < files.size(); ++i) {
                eval::SampleFile read = eval::read_longeval(files[i], settings_.eval.skip_broken);
                report_skipped(read);
                keep_first(read.samples, settings_.eval.samples);
                for (Sample & sample : read.samples) {
                    if (!ids.insert(sample.id).second) {
                        sample.id = fmt::format("{}/{}", names[i], sample.id);
                    }
                    part.samples.push_back(std::move(sample));
                }
            }
            return {part};
        }
        eval::LinesTask task;
        task.depths = depths({0, 0.25, 0.5, 0.75, 1});
        task.seed = settings_.eval.seed;
        task.max_tokens = answer_tokens(task.max_tokens);
        task.answer_prefix = settings_.eval.answer_prefix;
        const auto append = [&](const std::vector<Sample> & samples) {
            part.samples.insert(part.samples.end(), samples.begin(), samples.end());
        };
        for (const std::uint32_t count : settings_.eval.lines) {
            task.lines = count;
            append(eval::lines_samples(task, count_));
        }
        task.lines = 0;
        if (settings_.eval.lines.empty()) {
            for (const std::uint32_t length : lengths(task.max_tokens)) {
                task.tokens = prompt_room(length, task.max_tokens);
                append(eval::lines_samples(task, count_));
            }
        }
        return {part};
    }

    [[nodiscard]] std::vector<Part> ruler() const {
        std::vector<Part> parts;
        if (!settings_.eval.data.empty()) {
            const std::vector<std::filesystem::path> files = data_files(settings_);
            const std::vector<std::string> names = names_of(files);
            for (std::size_t i = 0; i < files.size(); ++i) {
                eval::RulerFile read = eval::read_ruler(files[i], settings_.eval.skip_broken);
                report_skipped(read.file);
                keep_first(read.file.samples, settings_.eval.samples);
                parts.push_back({.name = names[i], .samples = std::move(read.file.samples), .metrics = {read.metric}});
            }
            return parts;
        }
        const eval::RulerInputs inputs = ruler_inputs();
        for (const eval::RulerTask & task : asked_ruler_tasks(settings_)) {
            Part part{.name = std::string(task.name),
                      .samples = {},
                      .metrics = {task.name.starts_with("qa_") ? Metric::MatchPart : Metric::MatchAll}};
            const std::uint32_t answer = answer_tokens(task.max_tokens);
            for (const std::uint32_t length : lengths(answer)) {
                eval::RulerRequest request{.task = part.name, .length = length, .max_tokens = answer};
                request.samples = settings_.eval.samples == 0 ? 5 : settings_.eval.samples;
                request.seed = settings_.eval.seed;
                request.reserved = template_;
                const std::vector<Sample> samples = eval::ruler_samples(request, inputs, count_);
                part.samples.insert(part.samples.end(), samples.begin(), samples.end());
            }
            parts.push_back(std::move(part));
        }
        return parts;
    }

    [[nodiscard]] std::vector<Part> longbench() const {
        std::vector<Part> parts;
        const std::vector<std::filesystem::path> files = data_files(settings_);
        const std::vector<std::string> names = names_of(files);
        for (const eval::LongBenchSet & set : eval::longbench_sets()) {
            for (std::size_t i = 0; i < files.size(); ++i) {
                const std::filesystem::path & file = files[i];
                if (eval::find_longbench_set(file.stem().string()) != &set) {
                    continue;
                }
                eval::SampleFile read = eval::read_longbench(file, set, settings_.eval.skip_broken);
                report_skipped(read);
                if (read.undivided > 0 && settings_.eval.hide_question) {
                    warn("{}: cannot tell where the question begins in {}; --hide-question has no effect there",
                         file.string(), count_text(read.undivided, "sample"));
                }
                keep_first(read.samples, settings_.eval.samples);
                parts.push_back(eval::longbench_part(set, std::move(read.samples)));
                parts.back().name = names[i];
            }
        }
        return parts;
    }

private:
    [[nodiscard]] eval::RulerInputs ruler_inputs() const {
        eval::RulerInputs inputs;
        if (!settings_.files.empty()) {
            inputs.essays.emplace(document_.text, document_.sources.front().name);
        }
        if (!settings_.eval.squad.empty()) {
            inputs.squad = eval::read_squad(settings_.eval.squad);
        }
        if (!settings_.eval.hotpotqa.empty()) {
            inputs.hotpotqa = eval::read_hotpotqa(settings_.eval.hotpotqa);
        }
        return inputs;
    }

    /// Tokens of an answer: -n, else what is usual in the task.
    [[nodiscard]] std::uint32_t answer_tokens(std::uint32_t usual) const {
        return settings_.eval.generate != 0 ? settings_.eval.generate : usual;
    }

    /// Shares of 1.
    [[nodiscard]] std::vector<double> depths(std::vector<double> usual) const {
        if (settings_.eval.depths.empty()) {
            return usual;
        }
        std::vector<double> shares = settings_.eval.depths;
        std::for_each(shares.begin(), shares.end(), [](double & depth) { depth /= 100; });
        return shares;
    }

    /// Those asked for; by default powers of two from 1,024 on that the context holds.
    [[nodiscard]] std::vector<std::uint32_t> lengths(std::uint32_t answer) const {
        std::vector<std::uint32_t> list = settings_.eval.lengths;
        for (std::uint32_t length = 1024;
             settings_.eval.lengths.empty() && length + answer <= std::min(context_, 32768U); length *= 2) {
            list.push_back(length);
        }
        return list;
    }

    /// Tokens that document and question may have so that template and answer fit the length too.
    [[nodiscard]] std::size_t prompt_room(std::uint32_t length, std::uint32_t answer) const {
        const std::size_t taken = template_ + (length + answer > context_ ? length + answer - context_ : 0);
        if (length <= taken) {
            usage_error("--lengths: a prompt of {} has no room for more than the chat template",
                        count_text(length, "token"));
        }
        return length - taken;
    }

    /// Samples of one length: that is what their place says, whatever the task counted.
    static void add(Part & part, std::vector<Sample> samples, std::uint32_t length) {
        for (Sample & sample : samples) {
            for (auto & [axis, place] : sample.place) {
                place = axis == "length" ? length : place;
            }
            part.samples.push_back(std::move(sample));
        }
    }

    const Settings & settings_;
    const Model & model_;
    std::uint32_t context_;
    const Document & document_;
    std::size_t template_ = 0;  ///< tokens around document and question
    eval::TokenCount count_ = [this](std::string_view text) { return model_.tokenize(text, false, false).size(); };
};

}  // namespace

std::vector<std::filesystem::path> data_files(const Settings & settings) {
    std::vector<std::filesystem::path> files = named_files(settings);
    if (settings.eval.task == EvalTask::LongBench) {
        std::erase_if(files, [&](const std::filesystem::path & file) {
            const std::string name = file.stem().string();
            return eval::find_longbench_set(name) == nullptr || !wanted(settings, name);
        });
        if (files.empty() && !settings.eval.data.empty()) {
            input_error("--data: no file is named after a LongBench set{} (for example qasper.jsonl or qasper_e.jsonl)",
                        settings.eval.sets.empty() ? "" : " that --tasks names");
        }
    }
    return files;
}

void check_asked(const Settings & settings, const Document & document, std::uint32_t context) {
    const EvalSettings & asked = settings.eval;
    if (asked.task == EvalTask::Needle) {
        static_cast<void>(required_text(document, "needle"));
        if (!asked.needle.empty() && (settings.questions.empty() || asked.expected.empty())) {
            usage_error("--needle needs a question (-q) and the expected answer (--expect)");
        }
    } else if (asked.task == EvalTask::LongBench) {
        if (asked.data.empty()) {
            usage_error("longbench needs its data (--data FILE or FOLDER)");
        }
        check_names(settings, eval::longbench_names());
    } else if (asked.task == EvalTask::Ruler && asked.data.empty()) {
        check_names(settings, ruler_names());
        for (const eval::RulerTask & task : asked_ruler_tasks(settings)) {
            eval::check_ruler_inputs(std::string(task.name), !settings.files.empty(), !asked.squad.empty(),
                                     !asked.hotpotqa.empty());
        }
    }
    if (!asked.data.empty()) {
        static_cast<void>(names_of(data_files(settings)));
    }
    for (const std::uint32_t length : asked.lengths) {
        if (length > context) {
            input_error("--lengths: prompts of {} do not fit in a context of {} (see -c and --allow-long)",
                        count_text(length, "token"), count_text(context));
        }
    }
}

std::vector<eval::Part> eval_parts(const Settings & settings, const Model & model, std::uint32_t context,
                                   const Document & document) {
    const Maker maker(settings, model, context, document);
    switch (settings.eval.task) {
        case EvalTask::Needle:
            return maker.needle();
        case EvalTask::Lines:
            return maker.lines();
        case EvalTask::LongBench:
            return maker.longbench();
        case EvalTask::Ruler:
            return maker.ruler();
        case EvalTask::Fidelity:
            break;
    }
    return {};
}

}  // namespace snapkv::cli

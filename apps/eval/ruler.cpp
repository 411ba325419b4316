#include "eval/ruler.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "eval/fail.h"
#include "eval/ruler_prompt.h"

namespace snapkv::eval {
namespace {

constexpr std::array tasks{RulerTask{"niah_single_1", 128},
                           RulerTask{"niah_single_2", 128},
                           RulerTask{"niah_single_3", 128},
                           RulerTask{"niah_multikey_1", 128},
                           RulerTask{"niah_multikey_2", 128},
                           RulerTask{"niah_multikey_3", 128},
                           RulerTask{"niah_multivalue", 128},
                           RulerTask{"niah_multiquery", 128},
                           RulerTask{"vt", 30},
                           RulerTask{"cwe", 120},
                           RulerTask{"fwe", 50},
                           RulerTask{"qa_1", 32},
                           RulerTask{"qa_2", 32}};

struct NamedShape {
    std::string_view task;
    NiahShape shape;
};

constexpr std::array shapes{
    NamedShape{"niah_single_1", {NiahHaystack::Noise, NiahKind::Words, NiahKind::Numbers, 1, 1, 1}},
    NamedShape{"niah_single_2", {NiahHaystack::Essay, NiahKind::Words, NiahKind::Numbers, 1, 1, 1}},
    NamedShape{"niah_single_3", {NiahHaystack::Essay, NiahKind::Words, NiahKind::Uuids, 1, 1, 1}},
    NamedShape{"niah_multikey_1", {NiahHaystack::Essay, NiahKind::Words, NiahKind::Numbers, 4, 1, 1}},
    NamedShape{"niah_multikey_2", {NiahHaystack::Needle, NiahKind::Words, NiahKind::Numbers, 1, 1, 1}},
    NamedShape{"niah_multikey_3", {NiahHaystack::Needle, NiahKind::Uuids, NiahKind::Uuids, 1, 1, 1}},
    NamedShape{"niah_multivalue", {NiahHaystack::Essay, NiahKind::Words, NiahKind::Numbers, 1, 4, 1}},
    NamedShape{"niah_multiquery", {NiahHaystack::Essay, NiahKind::Words, NiahKind::Numbers, 4, 1, 4}}};

const RulerTask & find_task(const std::string & name) {
    const auto found =
        std::find_if(tasks.begin(), tasks.end(), [&](const RulerTask & task) { return task.name == name; });
    if (found == tasks.end()) {
        std::vector<std::string_view> names;
        for (const RulerTask & task : tasks) {
            names.push_back(task.name);
        }
        usage_error("ruler: found the task \"{}\", expected one of {}", name, fmt::join(names, ", "));
    }
    return *found;
}

const NiahShape * find_shape(std::string_view task) {
    const auto * const named =
        std::find_if(shapes.begin(), shapes.end(), [&](const NamedShape & each) { return each.task == task; });
    return named != shapes.end() ? &named->shape : nullptr;
}

/// The makers of one task at one length.
class Makers {
public:
    Makers(const RulerTask & task, const RulerRequest & request, const RulerInputs & inputs, std::size_t budget,
           const TokenCount & count)
        : task_(task), request_(request), budget_(budget), count_(count) {
        if (const NiahShape * shape = find_shape(task.name); shape != nullptr) {
            shape_ = *shape;
            if (shape_->haystack == NiahHaystack::Essay) {
                essays_.emplace(single_spaced(inputs.essays->text()), inputs.essays->name());
            }
        } else if (task.name == "qa_1") {
            data_ = &*inputs.squad;
        } else if (task.name == "qa_2") {
            data_ = &*inputs.hotpotqa;
        }
    }

    /// Questions beyond which there are none; 0 where they are made up.
    [[nodiscard]] std::size_t questions() const { return data_ != nullptr ? data_->questions.size() : 0; }

    [[nodiscard]] RulerMaker maker(std::size_t index) const {
        const Random random(request_.seed, fmt::format("{}/{}/{}", task_.name, request_.length, index));
        if (shape_) {
            return niah_maker(*shape_, essays_ ? &*essays_ : nullptr, budget_, random);
        }
        if (data_ != nullptr) {
            return qa_maker(*data_, index, random);
        }
        if (task_.name == "vt") {
            return tracing_maker(budget_, count_, random);
        }
        return task_.name == "cwe" ? common_words_maker(request_.length, budget_, count_, random)
                                   : frequent_words_maker(budget_, random);
    }

private:
    const RulerTask & task_;
    const RulerRequest & request_;
    std::size_t budget_;
    const TokenCount & count_;
    std::optional<NiahShape> shape_;
    std::optional<Haystack> essays_;
    const QaData * data_ = nullptr;
};

std::uint32_t answer_tokens(const RulerTask & task, const RulerRequest & request) {
    return request.max_tokens != 0 ? request.max_tokens : task.max_tokens;
}

Sample sample_of(const RulerTask & task, const RulerRequest & request, std::size_t index, RulerPrompt prompt) {
    Sample sample;
    sample.id = fmt::format("{}-{}-{}", task.name, request.length, index);
    sample.document = std::move(prompt.document);
    sample.question = std::move(prompt.question);
    sample.answer_prefix = std::move(prompt.answer_prefix);
    sample.answers = std::move(prompt.answers);
    sample.max_tokens = answer_tokens(task, request);
    sample.place = {{"length", static_cast<double>(request.length)}};
    return sample;
}

Fit fit_prompt(const RulerMaker & maker, std::size_t budget, std::size_t guess, const TokenCount & count) {
    FitRequest fit;
    fit.budget = budget;
    fit.least = maker.least;
    fit.most = maker.most;
    fit.guess = guess;
    return fit_units(fit, [&](std::size_t units) { return count(maker.make(units).text()); });
}

}  // namespace

std::span<const RulerTask> ruler_tasks() {
    return tasks;
}

void check_ruler_inputs(const std::string & task, bool has_essays, bool has_squad, bool has_hotpotqa) {
    const auto require = [&](bool has, std::string_view what, std::string_view option) {
        if (!has) {
            input_error("ruler: {} needs {} (give the file with {})", task, what, option);
        }
    };
    if (const NiahShape * shape = find_shape(task); shape != nullptr && shape->haystack == NiahHaystack::Essay) {
        require(has_essays, "a haystack", "-f FILE");
    } else if (task == "qa_1") {
        require(has_squad, "SQuAD's JSON", "--squad FILE");
    } else if (task == "qa_2") {
        require(has_hotpotqa, "HotpotQA's JSON", "--hotpotqa FILE");
    }
}

std::vector<Sample> ruler_samples(const RulerRequest & request, const RulerInputs & inputs, const TokenCount & count) {
    const RulerTask & task = find_task(request.task);
    check_ruler_inputs(request.task, inputs.essays.has_value(), inputs.squad.has_value(), inputs.hotpotqa.has_value());
    const std::size_t taken = answer_tokens(task, request) + request.reserved;
    const std::size_t budget = request.length - std::min(taken, request.length);
    const Makers makers(task, request, inputs, budget, count);
    std::vector<Sample> samples;
    Fit fit;
    for (std::size_t index = 0; samples.size() < request.samples; ++index) {
        if (makers.questions() > 0 && index == makers.questions()) {
            usage_error("ruler: only {} questions of {} have paragraphs that fit in {} tokens; {} are needed",
                        samples.size(), task.name, request.length, request.samples);
        }
        const RulerMaker maker = makers.maker(index);
        fit = fit_prompt(maker, budget, fit.units, count);
        if (fit.tokens > budget) {
            if (makers.questions() > 0) {
                continue;
            }
            usage_error("ruler: {} tokens are too few for {}: at least {} are needed", request.length, task.name,
                        fit.tokens + taken);
        }
        if (fit.units == maker.most) {
            usage_error("ruler: {} tokens are too many for {}: {} is the most, with {} {}", request.length, task.name,
                        fit.tokens + taken, maker.most, maker.unit);
        }
        samples.push_back(sample_of(task, request, samples.size(), maker.make(fit.units)));
    }
    return samples;
}

}  // namespace snapkv::eval

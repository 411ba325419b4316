#include "eval/longbench.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "eval/first_line.h"
#include "eval/labels.h"

namespace snapkv::eval {
namespace {

void check_set(const JsonRecord & record, const LongBenchSet & set) {
    if (!record.has("dataset")) {
        return;
    }
    const std::string name = record.text("dataset");
    if (name != set.name && name != fmt::format("{}_e", set.name)) {  // "_e": LongBench-E, of evenly spread lengths
        record.refuse("dataset", fmt::format("\"{}\"", set.name));
    }
}

/// Answers that the metric can do nothing with would silently score 0.
void check_answers(const JsonRecord & record, const LongBenchSet & set, const Sample & sample) {
    for (const std::string & answer : sample.answers) {
        if (set.metric == Metric::Retrieval && !paragraph_number(answer)) {
            record.refuse("answers", "\"Paragraph N\" in each");
        }
    }
}

void divide(Sample & sample, std::string prompt, const LongBenchSet & set) {
    for (const std::string_view start : set.question_starts) {
        const std::size_t at = prompt.rfind(start);
        if (at != std::string::npos) {
            sample.question = prompt.substr(at);
            prompt.resize(at);
            break;
        }
    }
    sample.document = std::move(prompt);
}

void fill_prompt(Sample & sample, const JsonRecord & record, const LongBenchSet & set) {
    if (record.has("context")) {
        sample.document = fmt::format("{}{}", set.before, record.text("context"));
        sample.question = fmt::format("{}{}{}", set.between, set.asks ? record.text("input") : "", set.after);
    } else if (record.has("prompt")) {
        divide(sample, record.text("prompt"), set);
    } else {
        record.fail("the fields \"context\" (official format) and \"prompt\" (ready prompts) are both missing");
    }
}

/// As LongBench-E's own evaluation groups them.
double length_group(std::uint64_t words) {
    if (words < 4000) {
        return 0;
    }
    return words < 8000 ? 4000 : 8000;
}

Sample make_sample(const JsonRecord & record, const LongBenchSet & set, bool spread) {
    check_set(record, set);
    Sample sample;
    sample.id = record.id();
    sample.max_tokens = set.max_tokens;
    sample.answers = record.texts("answers");
    if (set.metric == Metric::Classification) {
        sample.classes = record.texts("all_classes");
    }
    check_answers(record, set, sample);
    fill_prompt(sample, record, set);
    if (spread && record.has("length")) {
        sample.place = {{"length", length_group(record.whole_number("length"))}};
    }
    return sample;
}

}  // namespace

SampleFile read_longbench(const std::filesystem::path & path, const LongBenchSet & set, bool skip_broken) {
    const bool spread = path.stem() == fmt::format("{}_e", set.name);
    return read_samples(path, skip_broken, [&](const JsonRecord & record) { return make_sample(record, set, spread); });
}

std::string length_group_text(double begin) {
    if (begin == 0) {
        return "0-4k";
    }
    return begin == 4000 ? "4-8k" : "8k+";
}

Part longbench_part(const LongBenchSet & set, std::vector<Sample> samples) {
    return {.name = std::string(set.name),
            .samples = std::move(samples),
            .metrics = {set.metric},
            .raw = set.bare,
            .first_line = set.first_line};
}

}  // namespace snapkv::eval

#include "eval/lines.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "eval/depths.h"
#include "eval/fail.h"
#include "eval/random.h"
#include "eval/word_list.h"

namespace snapkv::eval {
namespace {

constexpr std::size_t least_number = 10000;
constexpr std::size_t numbers = 90000;  // all of five digits

std::size_t most_lines() {
    return std::min(word_pair_count(), numbers);
}

struct Line {
    std::string key;
    std::string number;
};

/// Lines are drawn one after the other: fewer of them are the beginning of more.
class Record {
public:
    explicit Record(std::uint64_t seed) : random_(seed, "lines"), keys_(word_pair_count()), numbers_(numbers) {}

    const Line & line(std::size_t index) {
        while (lines_.size() <= index) {
            std::string key = word_pair(keys_.draw(random_));
            lines_.push_back({std::move(key), std::to_string(least_number + numbers_.draw(random_))});
        }
        return lines_[index];
    }

    std::string document(std::size_t count) {
        std::string text =
            "Below is a record of lines I want you to remember. Each line begins with 'line <line index>' and contains "
            "a '<REGISTER_CONTENT>' at the end of the line as a numerical value. For each line index, memorize its "
            "corresponding <REGISTER_CONTENT>. At the end of the record, I will ask you to retrieve the corresponding "
            "<REGISTER_CONTENT> of a certain line index. Now the record start:\n\n";
        for (std::size_t i = 0; i < count; ++i) {
            text += fmt::format("line {}: REGISTER_CONTENT is <{}>\n", line(i).key, line(i).number);
        }
        return text;
    }

private:
    Random random_;
    DistinctNumbers keys_;
    DistinctNumbers numbers_;
    std::vector<Line> lines_;
};

std::string question_of(const Line & line) {
    return fmt::format(
        "\nNow the record is over. Tell me what is the <REGISTER_CONTENT> in line {}? I need the number. ", line.key);
}

std::string prefix_of(const LinesTask & task, const Line & line) {
    return task.answer_prefix ? lines_answer_prefix(line.key) : std::string();
}

std::size_t index_of(double depth, std::size_t lines) {
    return static_cast<std::size_t>(std::llround(depth * static_cast<double>(lines - 1)));
}

/// What follows a document of so many lines, where it has the most tokens.
std::string longest_ending(const LinesTask & task, Record & record, std::size_t lines, const TokenCount & count) {
    std::string longest;
    std::size_t most = 0;
    for (const double depth : task.depths) {
        const Line & line = record.line(index_of(depth, lines));
        std::string ending = question_of(line) + prefix_of(task, line);
        const std::size_t tokens = count(ending);
        if (tokens >= most) {
            longest = std::move(ending);
            most = tokens;
        }
    }
    return longest;
}

std::size_t lines_within(const LinesTask & task, Record & record, const TokenCount & count) {
    FitRequest request;
    request.budget = task.tokens;
    request.least = 1;
    request.most = most_lines();
    const Fit fit = fit_units(request, [&](std::size_t lines) {
        return count(record.document(lines) + longest_ending(task, record, lines, count));
    });
    if (fit.tokens > task.tokens) {
        usage_error("lines: {} tokens are too few: one line and its question take {}", task.tokens, fit.tokens);
    }
    if (fit.units == request.most) {
        usage_error("lines: {} tokens are too many: {} lines, the most there are, take {}", task.tokens, fit.units,
                    fit.tokens);
    }
    return fit.units;
}

Sample sample_of(const LinesTask & task, const Line & line, std::string document, std::size_t lines, double depth) {
    Sample sample;
    const bool fitted = task.tokens > 0;
    sample.id =
        fmt::format("lines-{}{}-{}-s{}", fitted ? "length-" : "", fitted ? task.tokens : lines, depth, task.seed);
    sample.document = std::move(document);
    sample.question = question_of(line);
    sample.answer_prefix = prefix_of(task, line);
    sample.answers = {line.number};
    sample.max_tokens = task.max_tokens;
    if (fitted) {
        sample.place.emplace_back("length", static_cast<double>(task.tokens));
    }
    sample.place.emplace_back("lines", static_cast<double>(lines));
    sample.place.emplace_back("depth", depth);
    return sample;
}

}  // namespace

std::string lines_answer_prefix(std::string_view key) {
    return fmt::format("line {}: REGISTER_CONTENT is <", key);
}

std::vector<Sample> lines_samples(const LinesTask & task, const TokenCount & count) {
    check_depths("lines", task.depths);
    if ((task.lines == 0) == (task.tokens == 0)) {
        usage_error("lines: found {} lines and {} tokens, expected one of the two", task.lines, task.tokens);
    }
    if (task.lines > most_lines()) {
        usage_error("lines: found {} lines, expected at most {}", task.lines, most_lines());
    }
    Record record(task.seed);
    const std::size_t lines = task.lines > 0 ? task.lines : lines_within(task, record, count);
    const std::string document = record.document(lines);
    std::vector<Sample> samples;
    for (const double depth : task.depths) {
        samples.push_back(sample_of(task, record.line(index_of(depth, lines)), document, lines, depth));
    }
    return samples;
}

}  // namespace snapkv::eval

#include "eval/needle.h"

#include <algorithm>
#include <cmath>

#include "eval/depths.h"
#include "eval/fail.h"
#include "eval/made_needles.h"

namespace snapkv::eval {
namespace {

struct Placed {
    double depth = 0;
    Needle needle;
};

/// Where a needle of that depth goes among the first `words`, in bytes.
std::size_t place_of(double depth, const Haystack & haystack, std::size_t words) {
    if (depth >= 1) {
        return haystack.bytes(words);
    }
    const auto before = static_cast<std::size_t>(std::llround(depth * static_cast<double>(words)));
    return haystack.sentence_end(haystack.bytes(before));
}

/// A space where there is no white space yet.
void append_apart(std::string & text, std::string_view more) {
    if (!text.empty() && !more.empty() && !is_white_space(text.back()) && !is_white_space(more.front())) {
        text += ' ';
    }
    text += more;
}

/// The first `words` with all needles in their places, shallower ones first where they meet.
std::string with_needles(const NeedleTask & task, const Haystack & haystack, std::size_t words,
                         std::span<const Placed> needles) {
    const std::string hay = haystack.first(words);
    std::vector<const Placed *> sorted;
    for (const Placed & placed : needles) {
        sorted.push_back(&placed);
    }
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const Placed * a, const Placed * b) { return a->depth < b->depth; });
    std::string text = task.introduction;
    std::size_t done = 0;
    for (const Placed * placed : sorted) {
        const std::size_t place = place_of(placed->depth, haystack, words);
        append_apart(text, std::string_view(hay).substr(done, place - done));
        append_apart(text, placed->needle.text);
        done = place;
    }
    append_apart(text, std::string_view(hay).substr(done));
    return text;
}

std::string question_of(const NeedleTask & task, const Needle & needle) {
    return "\n\n" + needle.question + task.instruction;
}

std::string prefix_of(const NeedleTask & task, const Needle & needle) {
    if (!task.answer_prefix) {
        return {};
    }
    const std::size_t answer = needle.text.find(needle.answer);
    if (answer == std::string::npos) {
        usage_error("needle: the answer \"{}\" does not occur in the needle \"{}\", so there is no answer prefix",
                    needle.answer, needle.text);
    }
    std::string prefix = needle.text.substr(0, answer);
    while (!prefix.empty() && prefix.back() == ' ') {
        prefix.pop_back();
    }
    return prefix;
}

void check(const Needle & needle, const Haystack & haystack) {
    if (needle.text.empty() || needle.question.empty() || needle.answer.empty()) {
        usage_error("needle: found the text \"{}\", question \"{}\" and answer \"{}\", expected none of them empty",
                    needle.text, needle.question, needle.answer);
    }
    if (haystack.text().find(needle.text) != std::string::npos) {
        input_error("{}: already contains the needle \"{}\"", haystack.name(), needle.text);
    }
}

/// One document of `length` with these needles, and what was found for its size.
struct Document {
    std::string text;
    std::size_t words = 0;
};

Document fill(const NeedleTask & task, const Haystack & haystack, std::span<const Placed> needles, std::size_t length,
              std::size_t guess, const TokenCount & count) {
    std::string longest;
    std::size_t longest_tokens = 0;
    for (const Placed & placed : needles) {
        const std::string asked = question_of(task, placed.needle) + prefix_of(task, placed.needle);
        const std::size_t tokens = count(asked);
        if (tokens >= longest_tokens) {
            longest = asked;
            longest_tokens = tokens;
        }
    }
    FitRequest request;
    request.budget = length;
    request.most = haystack.words_within(length * Haystack::most_token_bytes);
    request.guess = guess;
    const Fit fit = fit_units(
        request, [&](std::size_t words) { return count(with_needles(task, haystack, words, needles) + longest); });
    if (fit.tokens > length) {
        usage_error("needle: a length of {} tokens is too short: needle and question alone take {}", length,
                    fit.tokens);
    }
    if (fit.units == request.most && fit.tokens + request.slack < length) {
        input_error("{}: only {} tokens in {} bytes; expected at least one per {} bytes", haystack.name(), fit.tokens,
                    haystack.bytes(fit.units), Haystack::most_token_bytes);
    }
    return {with_needles(task, haystack, fit.units, needles), fit.units};
}

Sample sample_of(const NeedleTask & task, const Placed & placed, std::string document, std::size_t length) {
    Sample sample;
    sample.id = fmt::format("needle-{}-{}-s{}", length, placed.depth, task.seed);
    sample.document = std::move(document);
    sample.question = question_of(task, placed.needle);
    sample.answer_prefix = prefix_of(task, placed.needle);
    sample.answers = {placed.needle.answer};
    sample.max_tokens = task.max_tokens;
    sample.place = {{"length", static_cast<double>(length)}, {"depth", placed.depth}};
    return sample;
}

}  // namespace

Needle default_needle() {
    return {
        "The finest way to spend an evening in Lisbon is to share grilled sardines on the steps of Alfama while "
        "the trams go by.",
        "What is the finest way to spend an evening in Lisbon?",
        "share grilled sardines on the steps of Alfama while the trams go by"};
}

std::vector<Sample> needle_samples(const NeedleTask & task, const Haystack & haystack, std::size_t length,
                                   const TokenCount & count) {
    check_depths("needle", task.depths);
    std::vector<Placed> needles;
    if (task.shared) {
        std::vector<Needle> made =
            made_needles(task.depths.size(), Random(task.seed, fmt::format("needle/{}", length)));
        for (std::size_t i = 0; i < made.size(); ++i) {
            needles.push_back({task.depths[i], std::move(made[i])});
        }
    } else {
        for (const double depth : task.depths) {
            needles.push_back({depth, task.needle});
        }
    }
    for (const Placed & placed : needles) {
        check(placed.needle, haystack);
    }
    std::vector<Sample> samples;
    Document document;
    for (std::size_t i = 0; i < needles.size(); ++i) {
        if (i == 0 || !task.shared) {
            const std::span<const Placed> held = task.shared ? std::span(needles) : std::span(needles).subspan(i, 1);
            document = fill(task, haystack, held, length, document.words, count);
        }
        samples.push_back(sample_of(task, needles[i], document.text, length));
    }
    return samples;
}

std::vector<Sample> needle_samples(const NeedleTask & task, const Haystack & haystack,
                                   std::span<const std::size_t> lengths, const TokenCount & count) {
    if (lengths.empty()) {
        usage_error("needle: found no length, expected at least one");
    }
    std::vector<Sample> samples;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        const auto before = lengths.first(i);
        if (std::find(before.begin(), before.end(), lengths[i]) != before.end()) {
            usage_error("needle: found the length {} twice, expected each once", lengths[i]);
        }
        std::vector<Sample> more = needle_samples(task, haystack, lengths[i], count);
        std::move(more.begin(), more.end(), std::back_inserter(samples));
    }
    return samples;
}

}  // namespace snapkv::eval

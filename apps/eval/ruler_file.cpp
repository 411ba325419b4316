#include "eval/ruler_file.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace snapkv::eval {
namespace {

/// RULER's templates by what tells them apart.
struct Kind {
    std::string_view name;
    std::string_view question_start;
    std::string_view prefix_start;
    std::uint32_t max_tokens;
    Metric metric = Metric::MatchAll;
};

constexpr std::array kinds{
    Kind{"needle", "\nWhat is the special magic ", " The special magic ", 128},
    Kind{"needle", "\nWhat are all the special magic ", " The special magic ", 128},
    Kind{"variable tracking", "\nQuestion: Find all variables that are assigned the value ", " Answer: ", 30},
    Kind{"common words", "\nQuestion: What are the 10 most common words", " Answer: ", 120},
    Kind{"frequent words", "\nQuestion: Do not provide any explanation. Please ignore the dots", " Answer: ", 50},
    Kind{"question answering", "\n\nAnswer the question based on the given documents.", " Answer:", 32,
         Metric::MatchPart},
};
constexpr Kind unknown{"unknown", "", "", 128};

struct Start {
    const Kind & kind;
    std::size_t at = std::string::npos;
};

/// The kind whose question comes last: documents and examples may hold the words of another.
Start find_question(std::string_view input) {
    const Kind * kind = &unknown;
    std::size_t last = std::string::npos;
    for (const Kind & candidate : kinds) {
        const std::size_t at = input.rfind(candidate.question_start);
        if (at != std::string_view::npos && (last == std::string::npos || at > last)) {
            kind = &candidate;
            last = at;
        }
    }
    return {*kind, last};
}

Sample make_sample(const JsonRecord & record, std::optional<Kind> & common) {
    Sample sample;
    sample.id = record.id();
    sample.answers = record.texts("outputs");
    sample.document = record.text("input");
    const Start start = find_question(sample.document);
    if (common && common->name != start.kind.name) {
        record.fail(fmt::format("field \"input\": found a task of kind \"{}\", expected \"{}\" as before",
                                start.kind.name, common->name));
    }
    if (start.at != std::string::npos) {
        sample.question = sample.document.substr(start.at);
        sample.document.resize(start.at);
    }
    if (record.has("answer_prefix")) {
        sample.answer_prefix = record.text("answer_prefix");
    } else if (const std::size_t at = sample.question.rfind(start.kind.prefix_start);
               !sample.question.empty() && at != std::string::npos) {
        sample.answer_prefix = sample.question.substr(at);
        sample.question.resize(at);
    }
    sample.max_tokens = start.kind.max_tokens;
    common = start.kind;
    return sample;
}

}  // namespace

RulerFile read_ruler(const std::filesystem::path & path, bool skip_broken) {
    RulerFile result;
    std::optional<Kind> kind;
    result.file = read_samples(path, skip_broken, [&](const JsonRecord & record) { return make_sample(record, kind); });
    result.metric = kind->metric;
    return result;
}

}  // namespace snapkv::eval

#include "eval/longeval.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "eval/lines.h"

namespace snapkv::eval {
namespace {

constexpr std::string_view question_start = "\nNow the record is over";
constexpr std::uint32_t official_max_tokens = 100;

struct AskedLine {
    std::string key;
    std::uint64_t number = 0;
};

AskedLine asked_line(const JsonRecord & record, std::uint64_t lines) {
    const nlohmann::json & asked = record.value("random_idx");
    const bool usable = asked.is_array() && asked.size() == 2 && asked[0].is_string() && asked[1].is_number_unsigned();
    if (!usable || asked[1].get<std::uint64_t>() >= lines) {
        record.refuse("random_idx", fmt::format("a line's name and its index, less than {}", lines));
    }
    return {asked[0].get<std::string>(), asked[1].get<std::uint64_t>()};
}

Sample longeval_sample(const JsonRecord & record) {
    const std::uint64_t lines = record.whole_number("num_lines");
    const AskedLine asked = asked_line(record, lines);
    const double last = static_cast<double>(std::max<std::uint64_t>(lines - 1, 1));
    Sample sample;
    sample.id = fmt::format("{}-{}", lines, record.line());
    sample.document = record.text("prompt");
    if (const std::size_t at = sample.document.rfind(question_start); at != std::string::npos) {
        sample.question = sample.document.substr(at);
        sample.document.resize(at);
    }
    sample.answers = {std::to_string(record.whole_number("expected_number"))};
    sample.answer_prefix = lines_answer_prefix(asked.key);
    sample.max_tokens = official_max_tokens;
    sample.place = {{"lines", static_cast<double>(lines)}, {"depth", static_cast<double>(asked.number) / last}};
    return sample;
}

}  // namespace

SampleFile read_longeval(const std::filesystem::path & path, bool skip_broken) {
    return read_samples(path, skip_broken, longeval_sample);
}

}  // namespace snapkv::eval

#include "eval/sample_file.h"

#include <fmt/format.h>

#include <unordered_map>
#include <utility>

namespace snapkv::eval {

SampleFile read_samples(const std::filesystem::path & path, bool skip_broken,
                        const std::function<Sample(const JsonRecord &)> & make) {
    SampleFile file;
    std::unordered_map<std::string, std::size_t> lines;  // where each id was met
    file.skipped = read_json_lines(path, skip_broken, [&](const JsonRecord & record) {
        Sample sample = make(record);
        const auto [earlier, is_new] = lines.emplace(sample.id, record.line());
        if (!is_new) {
            record.fail(fmt::format("has the same id as line {}", earlier->second));
        }
        file.undivided += static_cast<std::size_t>(sample.question.empty());
        file.samples.push_back(std::move(sample));
    });
    return file;
}

}  // namespace snapkv::eval

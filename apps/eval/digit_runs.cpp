#include "eval/digit_runs.h"

#include "eval/character_classes.h"
#include "eval/utf8_text.h"

namespace snapkv::eval {

std::vector<std::u32string> digit_runs(std::string_view text) {
    const std::u32string points = code_points(text);
    std::vector<std::u32string> runs;
    for (const std::u32string_view run : split(points, [](char32_t point) { return digit_value(point) < 0; })) {
        runs.emplace_back(run);
    }
    return runs;
}

}  // namespace snapkv::eval

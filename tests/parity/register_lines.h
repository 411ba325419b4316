#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace snapkv::test {

/// Lines as LongEval has them, "line <word>-<word>: REGISTER_CONTENT is <NUMBER>", with different keys.
class RegisterLines {
public:
    RegisterLines(std::size_t count, std::uint32_t seed);

    /// The instruction and all lines.
    [[nodiscard]] std::string document() const;
    /// The question about one line in LongEval's words, and the answer's beginning, up to the number.
    [[nodiscard]] std::string question(std::size_t line) const;
    [[nodiscard]] const std::string & answer(std::size_t line) const { return lines_[line].number; }

private:
    struct Line {
        std::string key;
        std::string number;
    };
    [[nodiscard]] static std::string beginning(const Line & line);

    std::vector<Line> lines_;
};

}  // namespace snapkv::test

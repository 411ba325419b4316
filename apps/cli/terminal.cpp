#include "terminal.h"

#include <fmt/core.h>

#include <array>

namespace snapkv::cli {
namespace {

constexpr unsigned levels = 5;
/// From pale yellow to red, readable under black text.
constexpr std::array<int, levels + 1> backgrounds{0, 230, 229, 222, 215, 209};

/// Without control characters, save for line ends and tabs. Those beyond ASCII are U+0080 to U+009F, C2 80 to C2 9F.
std::string harmless(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const bool c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (c1 || (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F) {
            out += "\xEF\xBF\xBD";
            i += c1 ? 1 : 0;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string style(unsigned level, bool window) {
    std::string codes = level > 0 ? fmt::format("38;5;16;48;5;{}", backgrounds[level]) : std::string();
    if (window) {
        codes += codes.empty() ? "4" : ";4";
    }
    return codes;
}

/// Colours end before a line end: many terminals would fill the rest of the line with the background.
std::string paint(std::string_view text, const std::string & codes) {
    if (codes.empty()) {
        return std::string(text);
    }
    std::string out;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        if (!line.empty()) {
            out += fmt::format("\x1b[{}m{}\x1b[0m", codes, line);
        }
        text.remove_prefix(line.size());
        if (!text.empty()) {
            out += '\n';
            text.remove_prefix(1);
        }
    }
    return out;
}

std::string share_text(unsigned level) {
    return fmt::format("{}-{} %", (level - 1) * 100 / levels, level * 100 / levels);
}

/// Calls `emit(text, level, window)` for runs of neighbouring cells that look alike.
template <typename Emit>
void for_each_run(const ShownPrompt & prompt, const Emit & emit) {
    for (std::size_t i = 0; i < prompt.cells.size();) {
        const unsigned level = shade(prompt.cells[i].kept, prompt.pairs, levels);
        const bool window = prompt.cells[i].window;
        std::string text;
        for (; i < prompt.cells.size() && prompt.cells[i].window == window &&
               shade(prompt.cells[i].kept, prompt.pairs, levels) == level;
             ++i) {
            text += prompt.cells[i].text;
        }
        emit(harmless(text), level, window);
    }
}

}  // namespace

std::string coloured_text(const ShownPrompt & prompt) {
    std::string out;
    for_each_run(prompt, [&](const std::string & text, unsigned level, bool window) {
        out += paint(text, style(level, window));
    });
    out += fmt::format("\n\nshare of the {} heads in all layers that kept it: none", prompt.pairs);
    for (unsigned level = 1; level <= levels; ++level) {
        out += "  " + paint(share_text(level), style(level, false));
    }
    return out + "  " + paint("window", style(0, true)) + "\n";
}

std::string marked_text(const ShownPrompt & prompt) {
    std::string out;
    for_each_run(prompt, [&](const std::string & text, unsigned level, bool window) {
        if (window) {
            out += fmt::format("[w|{}]", text);
        } else if (level > 0) {
            out += fmt::format("[{}|{}]", level, text);
        } else {
            out += text;
        }
    });
    out += fmt::format("\n\nshare of the {} heads in all layers that kept it: no brackets: none", prompt.pairs);
    for (unsigned level = 1; level <= levels; ++level) {
        out += fmt::format(", [{}|] {}", level, share_text(level));
    }
    return out + ", [w|] the observation window\n";
}

}  // namespace snapkv::cli

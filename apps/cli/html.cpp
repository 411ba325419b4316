#include "html.h"

#include <fmt/core.h>

#include "eval/utf8_text.h"

namespace snapkv::cli {
namespace {

constexpr unsigned levels = 10;

constexpr std::string_view style = R"(
:root { color-scheme: light dark; --page: #fff; --text: #1b1b1b; --faint: #767676; --mark: 235, 110, 0; }
@media (prefers-color-scheme: dark) {
  :root { --page: #16181c; --text: #e6e6e6; --faint: #8c8c8c; --mark: 255, 135, 20; }
}
body { background: var(--page); color: var(--text); font: 16px/1.6 system-ui, sans-serif; max-width: 60rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; }
dt { color: var(--faint); }
dd { margin: 0; }
.legend span { padding: 0 .5em; }
.text { white-space: pre-wrap; overflow-wrap: anywhere; margin-top: 1.5rem; }
.w { text-decoration: underline dotted; text-underline-offset: .2em; }
)";

/// The more heads kept a token, the denser the colour over the page's own.
std::string shade_rules() {
    std::string rules = ".k0 { color: var(--faint); }\n";
    for (unsigned level = 1; level <= levels; ++level) {
        rules += fmt::format(".k{} {{ background: rgba(var(--mark), {:.2f}); }}\n", level, 0.06 * level);
    }
    return rules;
}

std::string legend() {
    std::string text = "<p class=\"legend\">Kept by <span class=\"k0\">no head</span>";
    for (unsigned level = 1; level <= levels; ++level) {
        text += fmt::format("<span class=\"k{}\">{} %</span>", level, level * 100 / levels);
    }
    return text + "of all heads; <span class=\"w\">observation window</span></p>\n";
}

std::string cell_html(const Cell & cell, std::uint32_t pairs) {
    return fmt::format("<span class=\"k{}{}\" title=\"kept by {} of {} heads{}\">{}</span>",
                       shade(cell.kept, pairs, levels), cell.window ? " w" : "", cell.kept, pairs,
                       cell.window ? ", in the window" : "", eval::escape_markup(cell.text));
}

}  // namespace

std::string html_page(const Summary & summary, const ShownPrompt & prompt) {
    std::string page = fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>{0}</title>\n<style>{1}{2}</style>\n</head>\n<body>\n<h1>{0}</h1>\n<dl>\n",
        page_title, style, shade_rules());
    for (const auto & [label, value] : summary) {
        page += fmt::format("<dt>{}</dt><dd>{}</dd>\n", eval::escape_markup(label), eval::escape_markup(value));
    }
    page += "</dl>\n" + legend() + "<div class=\"text\">";
    for (const Cell & cell : prompt.cells) {
        page += cell_html(cell, prompt.pairs);
    }
    return page + "</div>\n</body>\n</html>\n";
}

}  // namespace snapkv::cli

#include "docs.h"

#include <fmt/ranges.h>

#include "format.h"
#include "options.h"

namespace snapkv::cli {
namespace {

constexpr std::size_t page_columns = 120;

/// A vertical bar would end the table's cell.
std::string cell(std::string text) {
    for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) {
        text.insert(at, 1, '\\');
    }
    return text;
}

std::string option_row(const Option & option, Command command) {
    std::string help = option.help;
    if (!option.words.empty()) {
        help += fmt::format(": `{}`", fmt::join(option.words, "`, `"));
    }
    if (option.repeatable) {
        help += "; may be repeated";
    }
    const std::string value = default_text(option, command);
    return fmt::format("| `{}` | {} | {} |\n", cell(spelling(option)), value.empty() ? "" : fmt::format("`{}`", value),
                       cell(help));
}

std::string command_part(const CommandInfo & info) {
    std::string text = fmt::format("\n## `snapkv {}`\n\n", info.name);
    text +=
        fmt::format("```\nsnapkv {} {}\n```\n\n{}\n", info.name, info.synopsis, wrapped(info.details, page_columns));
    for (const Section section : sections()) {
        std::string rows;
        for (const Option & option : options()) {
            if (option.section == section && option.serves(info.command)) {
                rows += option_row(option, info.command);
            }
        }
        if (!rows.empty()) {
            text += fmt::format("\n**{}**\n\n| option | default | what it does |\n| --- | --- | --- |\n{}",
                                section_title(section), rows);
        }
    }
    return text;
}

constexpr std::string_view exit_part = R"(
## Exit status and messages

| status | meaning |
| --- | --- |
| 0 | success |
| 1 | the input or the machine does not allow it: a file, a prompt longer than the context, too little memory |
| 2 | wrong usage: an unknown option, a value out of range, options that contradict each other |
| 130, 143, 129 | interrupted by Ctrl-C, SIGTERM or SIGHUP, after the text so far and the statistics; a second signal exits at once |
| 141 | the reader of standard output closed it, as `head` does; the files asked for are still written |

Every error is one line on standard error that begins with `snapkv: error:`. Answers and JSON go to standard output,
everything else to standard error.
)";

constexpr std::string_view json_part = R"(
## JSON of `run`

`--json` prints one object, at the end or after Ctrl-C:

| field | meaning |
| --- | --- |
| `text` | the answer, without the stop string that ended it |
| `tokens`, `generated_tokens` | the token ids of the answer, without the end token, and their number |
| `prompt_tokens` | tokens in the prompt; with `--load-kv`, saved and new ones |
| `stop_reason` | `eog`, `length`, `stop`, `interrupt`, or `grammar`: it allows no further token |
| `logprobs` | with `--logprobs N`, for each of `tokens`: `token`, `text`, `logprob` (natural logarithm, by the model's logits alone) and `top`, up to N of such objects, the likeliest first |
| `kv` | the cache: see below |
| `timings` | `load_ms`, `prompt_ms` (`compress_ms` included), `prompt_per_second` (tokens computed), `compress_ms`, `predicted_ms`, `predicted_per_second` (decode steps) |
| `snapshot_tokens` | with `--snapshots`: tokens whose keys and values were read from a snapshot |
| `peak_rss_bytes` | peak resident memory of the process, the mapped model included |
| `version` | of this program |

The fields of `kv`:

| field | meaning |
| --- | --- |
)";

constexpr std::string_view json_rest =
    R"(| `compressed`, `reason` | whether rows were dropped; if not, the reason (else null) |
| `rows_full`, `rows_kept`, `bytes_full`, `bytes_kept` | rows and bytes of the prompt, summed over layers and KV heads: what a full cache takes, and what was kept after prefill; rows shared with other answers count in full |
| `rows_per_head` | rows that a KV head keeps of the prompt: the fewest (`least`), the `median` and the most (`most`) of all heads and layers |
| `evicted` | rows let go since the prompt, summed over layers that do not slide and KV heads |
| `bytes_peak` | peak memory of keys and values, a layer's working copy included |

With several questions, `answers` is an array; each element has its own `text`, `tokens`, `prompt_tokens`,
`stop_reason`, `kv` (without `bytes_peak`) and `timings` (`compress_ms`, `predicted_ms`, `predicted_per_second`). At the
top level are `prompt_tokens` (the part that all prompts share), `kv.bytes_peak`, `timings` (`load_ms`, `prompt_ms`,
`prompt_per_second`, over everything that was prefilled), `peak_rss_bytes` and `version`.

`--dry-run --json` prints `prompt_tokens` (the tokens to compute), `bytes_needed`, `bytes_available` and
`seconds_estimated` (0 where memory is short; the exit status is then 1).

`--dump-kept` writes `{"n_prompt": n, "layers": [[[positions of one KV head, ascending], ...], ...]}`; with several
questions `{"answers": [...]}` of such objects.

`perplexity --json` prints `perplexity`, `tokens` (scored) and `chunks`.
)";

std::string kv_rows() {
    std::string rows;
    for (const Option & option : options()) {
        if (option.report != nullptr) {
            rows += fmt::format("| `{}` | `{}` in effect |\n", option.json_key(), option.long_name());
        }
    }
    return rows;
}

}  // namespace

std::string reference() {
    std::string text =
        "# The command line\n\n"
        "This page is what `snapkv docs` prints; `scripts/generate-docs` writes it. Change the option\n"
        "table (`apps/cli/option_table*.cpp`), not this page.\n";
    for (const CommandInfo & info : commands()) {
        if (!info.hidden && info.command != Command::None) {
            text += command_part(info);
        }
    }
    text += exit_part;
    text += json_part;
    text += kv_rows();
    text += json_rest;
    return text;
}

}  // namespace snapkv::cli

// `snapkv show`: prefills and shows which tokens the cache kept.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cells.h"
#include "commands.h"
#include "engine.h"
#include "eval/utf8_text.h"
#include "fail.h"
#include "format.h"
#include "html.h"
#include "input.h"
#include "interrupt.h"
#include "options.h"
#include "output_file.h"
#include "screen.h"
#include "standard_output.h"
#include "status.h"
#include "terminal.h"

namespace snapkv::cli {
namespace {

/// The token that `index` or one before it is, with which a character begins.
std::size_t character_begin(const Model & model, const Prompt & prompt, std::size_t index) {
    while (index > 0 && index < prompt.tokens.size()) {
        const std::string piece = model.piece(prompt.tokens[index]);
        if (piece.empty() || !eval::is_continuation(piece.front())) {
            break;
        }
        --index;
    }
    return index;
}

/// The voters at the prompt's end; none to be shown where all tokens vote.
std::uint32_t observed_window(const CacheStats & cache) {
    return cache.evidence == Evidence::Accumulated ? 0 : cache.window;
}

/// From the document's first token to the prompt's end: the question and the template's last words are most of the
/// window, and without them it would not be seen what voted.
ShownPrompt shown_prompt(const Model & model, const Prompt & prompt, const Sequence & sequence) {
    const std::vector<std::uint32_t> counts = keep_counts(sequence.kept_positions(), prompt.tokens.size());
    const std::size_t begin = character_begin(model, prompt, prompt.document_begin);
    std::vector<std::string> pieces;
    for (std::size_t i = begin; i < prompt.tokens.size(); ++i) {
        pieces.push_back(model.piece(prompt.tokens[i]));
    }
    const ModelInfo & info = model.info();
    return {make_cells(pieces, {counts.begin() + static_cast<std::ptrdiff_t>(begin), counts.end()},
                       observed_window(sequence.cache_stats())),
            info.attending_layers * info.kv_heads};
}

Summary summarise(const Settings & settings, const ModelInfo & model, const Prompt & prompt, const CacheStats & cache,
                  const ShownPrompt & shown) {
    Summary summary;
    summary.emplace_back(
        "model", fmt::format("{} ({})", model.name.empty() ? settings.model.string() : model.name, model.quantisation));
    summary.emplace_back("prompt", count_text(prompt.tokens.size(), "token"));
    if (!settings.questions.empty()) {
        summary.emplace_back("question", eval::valid_utf8(settings.questions.front()));
    }
    for (const Option & option : options()) {
        if (option.report != nullptr) {
            const auto value = option.report(cache);
            summary.emplace_back(option.long_name(), value.is_string() ? value.get<std::string>() : value.dump());
        }
    }
    summary.emplace_back("full cache",
                         fmt::format("{} rows, {}", count_text(cache.rows_full), bytes_text(cache.bytes_full)));
    summary.emplace_back("kept", fmt::format("{} rows, {}", count_text(cache.rows_kept), bytes_text(cache.bytes_kept)));
    if (!cache.compressed) {
        summary.emplace_back("not compressed", cache.reason);
    }
    const auto dropped =
        std::count_if(shown.cells.begin(), shown.cells.end(), [](const Cell & cell) { return cell.kept == 0; });
    summary.emplace_back("kept by no head",
                         fmt::format("{} of {} tokens shown", count_text(static_cast<std::uint64_t>(dropped)),
                                     count_text(shown.cells.size())));
    return summary;
}

bool colours_wanted() {
    const char * no_colour = std::getenv("NO_COLOR");
    return takes_escapes(STDOUT_FILENO) && (no_colour == nullptr || *no_colour == '\0');
}

void print_shown(const Summary & summary, const ShownPrompt & shown) {
    const std::string text = colours_wanted() ? coloured_text(shown) : marked_text(shown);
    print_text(text);
    for (const auto & [label, value] : summary) {
        print("{:<16} {}\n", label, value);
    }
    finish_standard_output();
}

}  // namespace

int show(const Settings & settings) {
    const std::string document = read_document(settings);
    watch_interrupts();
    Prepared prepared = prepare(settings, document);
    const PrefillResult result = prefill(settings, prepared);
    if (result.sequences.empty()) {
        return interrupted_status();
    }
    const Prompt & prompt = prepared.branches.front().prompt;
    const Model & model = prepared.session.model();
    const Sequence & sequence = result.sequences.front();
    const ShownPrompt shown = shown_prompt(model, prompt, sequence);
    const Summary summary = summarise(settings, model.info(), prompt, sequence.cache_stats(), shown);
    if (settings.html.empty()) {
        print_shown(summary, shown);
    } else {
        write_file(settings.html, html_page(summary, shown));
        note("written to {}", settings.html.string());
    }
    return status_ok;
}

}  // namespace snapkv::cli

#include "input.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "eval/not_text.h"
#include "eval/read_file.h"
#include "eval/utf8_text.h"
#include "fail.h"
#include "format.h"

namespace snapkv::cli {
namespace {

constexpr std::string_view standard_input = "standard input";

/// What -f calls standard input.
bool names_standard_input(const std::filesystem::path & path) {
    return path == "-";
}

/// Whether somebody gave standard input something to read: a pipe, a socket or a file. A terminal, /dev/null and a
/// closed descriptor are what programs are started with where nobody did.
bool standard_input_is_given() {
    struct stat status {};
    return fstat(STDIN_FILENO, &status) == 0 && !S_ISCHR(status.st_mode);
}

/// The bytes themselves. Throws Error(Input) where they are no text, or none at all.
std::string checked(std::string_view name, std::string bytes, std::string_view advice = {}) {
    if (const auto why = eval::why_not_text(bytes)) {
        input_error("{}: {}", name, *why);
    }
    if (eval::without_byte_order_mark(bytes).empty()) {
        input_error("{}: is empty, expected text{}", name, advice);
    }
    return bytes;
}

std::string read_standard_input() {
    return eval::read_all(STDIN_FILENO, std::string(standard_input));
}

/// Standard input that no option names. Whoever left a pipe open that nobody writes to is told what is waited for.
std::string read_unnamed(const Settings & settings) {
    constexpr int patience_ms = 1000;
    pollfd end{STDIN_FILENO, POLLIN, 0};
    if (poll(&end, 1, patience_ms) == 0) {
        note("waiting for the document on standard input");
    }
    return checked(standard_input, read_standard_input(),
                   settings.questions.empty() ? "" : " (to ask without a document, add </dev/null)");
}

void add_files(Document & document, const std::vector<std::filesystem::path> & files) {
    if (std::count_if(files.begin(), files.end(), names_standard_input) > 1) {
        usage_error("-f - is given more than once: standard input can be read only once");
    }
    for (const std::filesystem::path & file : files) {
        if (names_standard_input(file)) {
            document.add(std::string(standard_input), checked(standard_input, read_standard_input()));
        } else {
            document.add(file.string(), checked(file.string(), eval::read_file(file)));
        }
    }
}

std::string read_text_file(const std::filesystem::path & file) {
    Document document;
    document.add(file.string(), checked(file.string(), eval::read_file(file)));
    document.require_utf8();
    return std::move(document.text);
}

}  // namespace

void Document::add(std::string name, std::string bytes) {
    const std::string_view content = eval::without_byte_order_mark(bytes);
    const std::size_t skipped = bytes.size() - content.size();
    if (text.empty() && skipped == 0) {
        text = std::move(bytes);  // a large one is held once
    } else {
        text += content;
    }
    sources.push_back({std::move(name), text.size(), skipped});
}

std::string_view Document::part(std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : sources[index - 1].end;
    return std::string_view(text).substr(begin, sources[index].end - begin);
}

void Document::require_utf8() const {
    const std::size_t bad = eval::find_ill_formed(text);
    std::size_t begin = 0;
    for (const Source & source : sources) {
        if (bad < source.end) {
            input_error("{}: invalid UTF-8: byte 0x{:02X} at offset {}", source.name,
                        static_cast<unsigned char>(text[bad]), bad - begin + source.skipped);
        }
        begin = source.end;
    }
}

Document read_sources(const Settings & settings) {
    if (!settings.files.empty() && settings.prompt) {
        usage_error("-f and -p cannot be combined: give the document as a file or as text");
    }
    Document document;
    const bool named = settings.prompt || !settings.files.empty();
    if (settings.prompt) {
        document.add("--prompt", *settings.prompt);
    } else if (!settings.files.empty()) {
        add_files(document, settings.files);
    } else if (standard_input_is_given()) {
        document.add(std::string(standard_input), read_unnamed(settings));
    } else if (settings.questions.empty()) {
        usage_error("no document: give -f FILE{}, or pipe it to standard input",
                    settings.command == Command::Perplexity ? "" : " or -p TEXT");
    }
    document.require_utf8();
    if (!named && !document.text.empty()) {
        note("read the document from standard input ({})", bytes_text(document.text.size()));
    }
    return document;
}

std::optional<std::string> read_system_prompt(const Settings & settings) {
    if (settings.raw) {
        return std::nullopt;
    }
    if (settings.system_prompt || settings.system_prompt_file.empty()) {
        return settings.system_prompt;
    }
    std::string text = read_text_file(settings.system_prompt_file);
    if (text.ends_with('\n')) {
        text.pop_back();  // the end of the file's last line
    }
    return text;
}

std::string read_chat_template(const Settings & settings) {
    if (settings.raw) {
        return {};
    }
    const bool given = !settings.chat_template.empty() || settings.chat_template_file.empty();
    return given ? settings.chat_template : read_text_file(settings.chat_template_file);
}

std::string read_grammar(const Settings & settings, const Model & model) {
    if (settings.predict == 0) {
        return {};
    }
    std::string grammar = settings.sampling.grammar;
    if (grammar.empty() && !settings.grammar_file.empty()) {
        grammar = read_text_file(settings.grammar_file);
    } else if (grammar.empty() && !settings.json_schema.empty()) {
        grammar = model.schema_grammar(settings.json_schema);
    } else if (grammar.empty() && !settings.json_schema_file.empty()) {
        grammar = model.schema_grammar(read_text_file(settings.json_schema_file));
    }
    if (!grammar.empty()) {
        model.check_grammar(grammar);
    }
    return grammar;
}

std::string read_document(const Settings & settings) {
    return read_sources(settings).text;
}

}  // namespace snapkv::cli

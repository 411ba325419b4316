#include "input.h"

#include <unistd.h>

#include <utility>

#include "eval/read_file.h"
#include "eval/utf8_text.h"
#include "fail.h"

namespace snapkv::cli {
namespace {

Document unchecked_sources(const Settings & settings) {
    if (!settings.files.empty() && settings.prompt) {
        usage_error("-f and -p exclude each other: give the document as a file or as text");
    }
    Document document;
    if (settings.prompt) {
        document.add("--prompt", *settings.prompt);
        return document;
    }
    if (settings.files.empty() && isatty(STDIN_FILENO) == 0) {
        document.add("standard input", read_standard_input());
        return document;
    }
    if (settings.files.empty() && settings.questions.empty()) {
        usage_error("no document: give -f FILE or -p TEXT, or pipe it to standard input");
    }
    for (const std::filesystem::path & file : settings.files) {
        document.add(file.string(), eval::read_file(file));
    }
    return document;
}

}  // namespace

void Document::add(std::string name, const std::string & bytes) {
    text += bytes;
    sources.push_back({std::move(name), text.size()});
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
            input_error("{}: not valid UTF-8: byte 0x{:02X} at offset {} belongs to no character", source.name,
                        static_cast<unsigned char>(text[bad]), bad - begin);
        }
        begin = source.end;
    }
}

std::string read_standard_input() {
    return eval::read_all(STDIN_FILENO, "standard input");
}

Document read_sources(const Settings & settings) {
    Document document = unchecked_sources(settings);
    document.require_utf8();
    return document;
}

std::string read_document(const Settings & settings) {
    return read_sources(settings).text;
}

}  // namespace snapkv::cli

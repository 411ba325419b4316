#include "text/llama_log.h"

#include <algorithm>
#include <string_view>

#include "llama.h"

namespace snapkv::text {
namespace {

struct Logged {
    bool wanted = false;
    bool warning = false;  // what goes on belongs to one
    std::string errors;
    std::string warnings;
};

Logged & logged() {
    thread_local Logged text;
    return text;
}

void keep(ggml_log_level level, const char * text, void * /*user*/) {
    Logged & kept = logged();
    if (!kept.wanted) {
        return;
    }
    if (level == GGML_LOG_LEVEL_ERROR) {
        kept.errors += text;
    }
    kept.warning = level == GGML_LOG_LEVEL_WARN || (level == GGML_LOG_LEVEL_CONT && kept.warning);
    if (kept.warning) {
        kept.warnings += text;
    }
}

void start_llama_once() {
    static const bool started = [] {
        llama_log_set(keep, nullptr);
        ggml_time_init();
        return true;
    }();
    static_cast<void>(started);
}

/// "load: the text  " without the function's name and the blanks.
std::string_view without_name(std::string_view line) {
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && line.substr(0, colon).find(' ') == std::string_view::npos) {
        line.remove_prefix(colon + 1);
    }
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    return line.substr(0, line.find_last_not_of(" \r") + 1);
}

bool is_banner(std::string_view line) {
    return std::none_of(line.begin(), line.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

}  // namespace

LlamaLog::LlamaLog() {
    start_llama_once();
    logged() = {};
    logged().wanted = true;
}

LlamaLog::~LlamaLog() {
    logged() = {};
}

std::string LlamaLog::first_error() const {
    const std::string_view text = logged().errors;
    const std::string_view line = without_name(text.substr(0, text.find('\n')));
    return line.empty() ? "no reason given" : std::string(line);
}

std::vector<std::string> LlamaLog::warnings() const {
    std::vector<std::string> lines;
    std::string_view rest = logged().warnings;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view line = without_name(rest.substr(0, end));
        if (!is_banner(line)) {
            lines.emplace_back(line);
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return lines;
}

}  // namespace snapkv::text

// `snapkv run`: what can be refused before anything is loaded, then a document or a saved sequence.
#include "commands.h"
#include "fail.h"

namespace snapkv::cli {
namespace {

void check_saved(const Settings & settings) {
    if (!settings.files.empty()) {
        usage_error("--load-kv replaces the document: -f cannot be given with it");
    }
    if (!settings.questions.empty() && settings.prompt) {
        usage_error("with --load-kv, give the next turn with -q or -p, not both");
    }
}

}  // namespace

int run(const Settings & settings) {
    if (!settings.load_kv.empty()) {
        check_saved(settings);
    }
    if (!settings.save_kv.empty() && settings.questions.size() > 1) {
        usage_error("--save-kv saves one sequence: found {} questions, expected at most one",
                    settings.questions.size());
    }
    return settings.load_kv.empty() ? run_document(settings) : run_saved(settings);
}

}  // namespace snapkv::cli

#pragma once

#include "settings.h"

namespace snapkv::cli {

/// The commands; each returns the exit status and throws Error.
[[nodiscard]] int run(const Settings & settings);
[[nodiscard]] int show(const Settings & settings);
[[nodiscard]] int perplexity(const Settings & settings);
[[nodiscard]] int inspect(const Settings & settings);
[[nodiscard]] int bench(const Settings & settings);
[[nodiscard]] int evaluate(const Settings & settings);
[[nodiscard]] int observe(const Settings & settings);
[[nodiscard]] int make_model(const Settings & settings);
[[nodiscard]] int policies(const Settings & settings);

/// `run` on a document, and on a saved sequence.
[[nodiscard]] int run_document(const Settings & settings);
[[nodiscard]] int run_saved(const Settings & settings);

}  // namespace snapkv::cli

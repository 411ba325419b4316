#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "settings.h"
#include "snapshots.h"

namespace snapkv::cli {

class Stopwatch {
public:
    [[nodiscard]] double milliseconds() const {
        return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Loads the model that the settings name; --verbose passes its log lines on.
[[nodiscard]] Model load_model(const Settings & settings);

/// What the settings say of a session with a context of `context` tokens; Ctrl-C is its stop flag, and --verbose
/// passes its log lines on.
[[nodiscard]] SessionOptions session_options(const Settings & settings, std::uint32_t context);

/// A session with a context of `context` tokens. Warns where that is beyond the trained one.
[[nodiscard]] Session make_session(const Model & model, const Settings & settings, std::uint32_t context);

/// All that is ready before the prefill.
struct Prepared {
    Session session;
    std::vector<Branch> branches;  ///< one a question, or one
    Snapshots snapshots;
    std::string grammar;  ///< of the answers; empty: none
    double load_ms = 0;
};

/// Loads, tokenizes and fits the prompts into the context. Says what was dropped.
[[nodiscard]] Prepared prepare(const Settings & settings, const std::string & document);

/// Says what a run will take, and what there is where that is less.
void say_estimate(const Estimate & estimate, const ModelInfo & model);

/// Ends a dry run: says the estimate, prints its JSON where that is wanted. Throws Error(Machine) where memory is
/// short.
[[nodiscard]] int finish_dry_run(const Settings & settings, const Estimate & estimate, const ModelInfo & model);

/// Says what the run will take, then prefills with a progress line; afterwards says what a snapshot was good for, and
/// warns of a window that cuts its question. One that is damaged is not used.
[[nodiscard]] PrefillResult prefill(const Settings & settings, Prepared & prepared);

}  // namespace snapkv::cli

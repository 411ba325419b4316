#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "eval/variant.h"
#include "snapkv/snapkv.h"
#include "snapkv/tools/random_model.h"
#include "snapkv/tools/retrieval_model.h"

namespace snapkv::cli {

/// The subcommands; None is the program without one.
enum class Command {
    None,
    Run,
    Show,
    Perplexity,
    Inspect,
    Bench,
    Eval,
    Observe,
    MakeModel,
    Policies,
    Completion,
    Docs
};

enum class Truncate { Error, Middle };

enum class Shell { Bash, Zsh, Fish };

enum class BenchFormat { Markdown, JsonArray, Csv };

/// What `snapkv bench` measures: every combination of these lists.
struct BenchSettings {
    std::vector<std::uint32_t> prompts{512};
    std::vector<std::uint32_t> generations{128};
    std::vector<std::uint32_t> depths{0};
    std::vector<std::uint32_t> parallel{1};
    std::vector<std::uint32_t> threads{0};
    std::vector<std::uint32_t> threads_batch{0};
    std::vector<std::uint32_t> batches{512};
    std::vector<Policy> policies{Policy::Auto};
    std::vector<Budget> budgets{Budget{}};
    std::vector<KvType> types{KvType::F16};
    std::uint32_t repetitions = 5;
    bool warm_up = true;
    BenchFormat format = BenchFormat::Markdown;
};

/// The shape of make-model that is not one of random_model_shapes().
inline constexpr const char * constructed_shape = "retrieval";

enum class EvalTask { Needle, Lines, LongBench, Ruler, Fidelity };

enum class Prefills { Shared, Each };

/// What `snapkv eval` asks. Empty lists and zeros stand for what is usual in the task.
struct EvalSettings {
    EvalTask task = EvalTask::Needle;
    eval::VariantLists caches;
    std::vector<std::uint32_t> lengths;  ///< tokens of a prompt
    std::vector<double> depths;          ///< percent of the document
    std::vector<std::uint32_t> lines;
    std::uint32_t samples = 0;
    std::uint32_t generate = 0;  ///< tokens of an answer at most
    std::string needle;
    std::string expected;
    std::vector<std::string> sets;            ///< of LongBench and RULER
    std::vector<std::filesystem::path> data;  ///< files or folders
    std::filesystem::path squad;
    std::filesystem::path hotpotqa;
    Prefills prefills = Prefills::Shared;
    bool hide_question = false;
    bool answer_prefix = true;
    bool skip_broken = false;
    std::uint32_t seed = 1;
};

enum class Observation { Windows, Generation, Instructions, Position, Budget, Missed };

/// What `snapkv observe` looks at.
struct ObserveSettings {
    Observation what = Observation::Windows;
    std::vector<Budget> budgets{Budget{}};
    std::uint32_t windows = 20;
    std::uint32_t window = 128;
    std::uint32_t generate = 512;
    float threshold = 0.05F;
};

/// Everything that the command line can say, with the defaults. Only the table in option_table.cpp writes to it.
struct Settings {
    Command command = Command::None;
    bool help = false;
    bool version = false;
    bool verbose = false;
    /// The first names of the options that were given.
    std::set<std::string, std::less<>> given;

    std::filesystem::path model;
    std::vector<std::filesystem::path> files;
    std::optional<std::string> prompt;
    std::vector<std::string> questions;
    std::optional<std::string> system_prompt;
    std::filesystem::path system_prompt_file;
    std::string chat_template;
    std::filesystem::path chat_template_file;
    bool raw = false;
    bool parse_special = false;
    Truncate truncate = Truncate::Error;

    std::int64_t predict = -1;
    std::vector<std::string> stop;
    SamplingOptions sampling;
    std::filesystem::path grammar_file;
    std::string json_schema;
    std::filesystem::path json_schema_file;
    std::optional<std::uint32_t> logprobs;

    std::uint32_t context = 0;  ///< 0: the model's trained context
    std::uint32_t threads = 0;
    std::uint32_t threads_batch = 0;
    std::uint32_t batch = 512;
    bool allow_long = false;
    AttentionPath attention = AttentionPath::Cpu;
    ProductPath products = ProductPath::Auto;
    RopeOptions rope;

    CacheConfig cache;
    std::filesystem::path save_kv;
    std::filesystem::path snapshots;  ///< a folder; empty: none
    std::filesystem::path load_kv;

    bool dry_run = false;
    bool json = false;
    std::filesystem::path dump_kept;
    std::filesystem::path html;

    BenchSettings bench;
    EvalSettings eval;
    ObserveSettings observe;
    RandomModelOptions random_model;  ///< the shape may be constructed_shape
    RetrievalModelOptions retrieval_model;
    std::filesystem::path output;
    bool force = false;

    Shell shell = Shell::Bash;

    [[nodiscard]] bool has(std::string_view option) const { return given.contains(option); }
};

/// The settings that `command` starts from.
[[nodiscard]] inline Settings default_settings(Command command) {
    Settings settings;
    settings.command = command;
    if (command == Command::Perplexity) {
        settings.context = 512;
    }
    return settings;
}

}  // namespace snapkv::cli

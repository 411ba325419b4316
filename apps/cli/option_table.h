#pragma once

#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "numbers.h"
#include "options.h"
#include "words.h"

namespace snapkv::cli {

// The option table is written down in parts. This header is for the files that hold them; all others read options().

using Name = std::string_view;
using Value = std::string;
using Paths = std::vector<std::filesystem::path>;

inline constexpr Commands prompting = in(Command::Run, Command::Show);
inline constexpr Commands experimenting = in(Command::Eval, Command::Observe);
inline constexpr Commands computing = prompting | experimenting | in(Command::Perplexity);
inline constexpr Commands working = computing | in(Command::Inspect, Command::Bench);
inline constexpr double any_number = std::numeric_limits<float>::max();

/// The value itself. Throws Error(Usage) where it is empty.
[[nodiscard]] std::string non_empty(Name name, const Value & value);
/// A decimal as it would be typed.
[[nodiscard]] std::string decimal(double value);

void add_prompt_options(std::vector<Option> & table);
void add_answer_options(std::vector<Option> & table);
void add_cache_options(std::vector<Option> & table);
void add_bench_options(std::vector<Option> & table);
void add_eval_options(std::vector<Option> & table);
void add_observe_options(std::vector<Option> & table);
void add_make_model_options(std::vector<Option> & table);
void add_machine_options(std::vector<Option> & table);

}  // namespace snapkv::cli

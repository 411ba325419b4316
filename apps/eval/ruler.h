#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/fit.h"
#include "eval/haystack.h"
#include "eval/qa_data.h"
#include "eval/sample.h"

namespace snapkv::eval {

/// A task of RULER (Hsieh et al., 2024, arXiv 2404.06654), made with its published parameters and prompts. Words come
/// from a list of our own, so prompts are RULER's in form, not to the letter.
struct RulerTask {
    std::string_view name;
    std::uint32_t max_tokens = 0;  ///< of an answer
};

/// All 13, in the paper's order.
[[nodiscard]] std::span<const RulerTask> ruler_tasks();

/// What some tasks are made from; read only by those.
struct RulerInputs {
    std::optional<Haystack> essays;  ///< niah_single_2 and _3, niah_multikey_1, niah_multivalue, niah_multiquery
    std::optional<QaData> squad;     ///< qa_1
    std::optional<QaData> hotpotqa;  ///< qa_2
};

/// Throws Error(Input), which names the option, where the task is made from an input that is not there.
void check_ruler_inputs(const std::string & task, bool has_essays, bool has_squad, bool has_hotpotqa);

struct RulerRequest {
    std::string task;
    std::size_t length = 4096;  ///< tokens of prompt, answer prefix and answer, as RULER counts
    std::size_t samples = 1;
    std::uint64_t seed = 42;
    std::size_t reserved = 0;      ///< tokens of the length that a chat template takes
    std::uint32_t max_tokens = 0;  ///< of an answer; 0: the task's own number
};

/// Samples of one task and length. Every key is there once, so each question has one right answer. Sample i is the same
/// whatever the number of samples. Throws Error(Usage) for a task that there is not and a length that is too short for
/// it or too long, Error(Input), which names the option, where an input is missing.
[[nodiscard]] std::vector<Sample> ruler_samples(const RulerRequest & request, const RulerInputs & inputs,
                                                const TokenCount & count);

}  // namespace snapkv::eval

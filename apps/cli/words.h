#pragma once

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fail.h"
#include "settings.h"
#include "snapkv/choice_names.h"
#include "snapkv/named_policy.h"

namespace snapkv::cli {

/// A value of an enumeration and the word for it on the command line, in JSON and in print.
template <typename Value>
struct Word {
    std::string_view text;
    Value value{};
};
template <typename Value>
Word(std::string_view, Value) -> Word<Value>;

/// The names of an enumeration's values, in its order.
template <typename Value, std::size_t count>
[[nodiscard]] constexpr std::array<Word<Value>, count> words_of(const std::array<std::string_view, count> & names) {
    std::array<Word<Value>, count> words{};
    for (std::size_t i = 0; i < count; ++i) {
        words[i] = {names[i], static_cast<Value>(i)};
    }
    return words;
}

/// Those of the table of policies.
[[nodiscard]] inline std::vector<Word<Policy>> policy_words() {
    std::vector<Word<Policy>> words;
    for (const NamedPolicy & policy : named_policies()) {
        words.push_back({policy.name, policy.policy});
    }
    return words;
}

inline constexpr std::array pooling_words{Word{"max", Pooling::Max}, Word{"avg", Pooling::Avg},
                                          Word{"none", Pooling::None}};
inline constexpr auto evidence_words = words_of<Evidence>(evidence_names);
inline constexpr auto group_words = words_of<GroupReduce>(group_names);
inline constexpr auto allocation_words = words_of<Allocation>(allocation_names);
inline constexpr auto type_words = words_of<KvType>(kv_type_names);
inline constexpr std::array switch_words{Word{"on", true}, Word{"off", false}};
inline constexpr std::array truncate_words{Word{"error", Truncate::Error}, Word{"middle", Truncate::Middle}};
inline constexpr std::array attention_words{Word{"cpu", AttentionPath::Cpu}, Word{"portable", AttentionPath::Portable}};
inline constexpr std::array product_words{Word{"auto", ProductPath::Auto}, Word{"stored", ProductPath::Stored},
                                          Word{"int8", ProductPath::Int8}, Word{"widened", ProductPath::Widened},
                                          Word{"widened-f32", ProductPath::WidenedF32}};
inline constexpr std::array rope_words{Word{"none", RopeOptions::Scaling::None},
                                       Word{"linear", RopeOptions::Scaling::Linear},
                                       Word{"yarn", RopeOptions::Scaling::Yarn}};
inline constexpr std::array shell_words{Word{"bash", Shell::Bash}, Word{"zsh", Shell::Zsh}, Word{"fish", Shell::Fish}};
inline constexpr std::array format_words{Word{"md", BenchFormat::Markdown}, Word{"json", BenchFormat::JsonArray},
                                         Word{"csv", BenchFormat::Csv}};
inline constexpr std::array task_words{Word{"needle", EvalTask::Needle}, Word{"lines", EvalTask::Lines},
                                       Word{"longbench", EvalTask::LongBench}, Word{"ruler", EvalTask::Ruler},
                                       Word{"fidelity", EvalTask::Fidelity}};
inline constexpr std::array prefills_words{Word{"shared", Prefills::Shared}, Word{"each", Prefills::Each}};
inline constexpr std::array observation_words{Word{"windows", Observation::Windows},
                                              Word{"generation", Observation::Generation},
                                              Word{"instructions", Observation::Instructions},
                                              Word{"position", Observation::Position},
                                              Word{"budget", Observation::Budget},
                                              Word{"missed", Observation::Missed}};
inline constexpr std::array stop_words{Word{"eog", StopReason::EndOfGeneration}, Word{"length", StopReason::Length},
                                       Word{"stop", StopReason::StopString}, Word{"interrupt", StopReason::Interrupt},
                                       Word{"grammar", StopReason::NothingAllowed}};

template <typename Words>
[[nodiscard]] std::vector<std::string> word_list(const Words & words) {
    std::vector<std::string> list;
    for (const auto & word : words) {
        list.emplace_back(word.text);
    }
    return list;
}

/// The text itself. Throws Error(Usage) where it is not in the list.
[[nodiscard]] inline std::string one_of(const std::vector<std::string> & words, std::string_view option,
                                        const std::string & text) {
    if (std::find(words.begin(), words.end(), text) == words.end()) {
        usage_error("{}: \"{}\" is not one of {}", option, text, fmt::join(words, ", "));
    }
    return text;
}

template <typename Words, typename Value>
[[nodiscard]] std::string to_word(const Words & words, Value value) {
    for (const auto & word : words) {
        if (word.value == value) {
            return std::string(word.text);
        }
    }
    return {};
}

/// One word for both, or the keys' and the values'.
[[nodiscard]] inline std::string types_text(KvTypes types) {
    const std::string key = to_word(type_words, types.key);
    return types.key == types.value ? key : key + "/" + to_word(type_words, types.value);
}

/// Throws Error(Usage) for a word that is not in the list.
template <typename Words>
[[nodiscard]] auto from_word(const Words & words, std::string_view option, std::string_view text) {
    for (const auto & word : words) {
        if (word.text == text) {
            return word.value;
        }
    }
    usage_error("{}: \"{}\" is not one of {}", option, text, fmt::join(word_list(words), ", "));
}

// Words of which "auto", for none of the values, leaves the choice to the policy.

template <typename Words>
[[nodiscard]] std::vector<std::string> word_list_with_auto(const Words & words) {
    std::vector<std::string> list = word_list(words);
    list.insert(list.begin(), "auto");
    return list;
}

template <typename Words, typename Value>
[[nodiscard]] std::string to_word_or_auto(const Words & words, const std::optional<Value> & value) {
    return value ? to_word(words, *value) : "auto";
}

/// Throws Error(Usage) for a word that is not in the list.
template <typename Words>
[[nodiscard]] auto from_word_or_auto(const Words & words, std::string_view option, const std::string & text) {
    const bool automatic = one_of(word_list_with_auto(words), option, text) == "auto";
    return automatic ? std::nullopt : std::optional(from_word(words, option, text));
}

}  // namespace snapkv::cli

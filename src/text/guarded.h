#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "text/vocabulary.h"

namespace snapkv::text {

/// A text from outside that is a program, or that third-party code reads as deep as it nests: a chat template, a
/// grammar, a JSON schema. In words, for messages.
struct Outsider {
    std::string_view what;   ///< "chat template"
    std::string_view doing;  ///< "rendering"
    std::string_view done;   ///< "rendered"
    std::size_t bytes = 0;   ///< of its text
};

/// The longest such text that is taken, in bytes.
inline constexpr std::size_t longest_outside_text = std::size_t{1} << 17U;

/// What became of it.
struct Guarded {
    std::optional<std::string> made;
    std::string error;  ///< why nothing was made, in one line
};

/// What `work` returns, on a stack for such a text and in a child process with a budget of time and memory: what it
/// throws, or using up the budget, is an `error`. See in_child() for what it may do. Throws Error(Machine) where no
/// child process can be had or the system is too busy for it or kills it, Error(Interrupted) once the vocabulary is to
/// stop.
Guarded run_guarded(const Vocabulary & vocabulary, const Outsider & outsider,
                    const std::function<std::string()> & work);

/// Calls `work` on a stack for such a text, in this process.
void on_stack_for(const Outsider & outsider, const std::function<void()> & work);

/// Why something failed that such a text led to, as one line of reasonable length. Engines pass on what they catch as
/// text, an allocation that failed too.
std::string reason_of(const std::exception & e);

}  // namespace snapkv::text

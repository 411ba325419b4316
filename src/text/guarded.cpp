#include "text/guarded.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <new>

#include "base/deep_stack.h"
#include "base/in_child.h"
#include "base/raise.h"

namespace snapkv::text {
namespace {

// Parsers recurse as deep as a text nests: about a kilobyte of stack a level, a byte or two of text.
constexpr std::size_t stack_per_byte = std::size_t{2} << 10U;
constexpr std::size_t least_stack = std::size_t{1} << 20U;

// Known templates take a hundredth of a second and a few megabytes, and malloc reserves 128 for a thread of its own.
constexpr std::uint64_t most_memory = std::uint64_t{256} << 20U;
constexpr std::chrono::seconds most_processor_time{3};
constexpr std::chrono::seconds most_time{30};  // on a machine that is busy otherwise
constexpr std::size_t longest_answer = std::size_t{1} << 20U;
constexpr std::size_t longest_reason = 400;

constexpr char made_mark = '+';
constexpr char failed_mark = '-';

std::string why(const Outsider & outsider, ChildAnswer::End end) {
    switch (end) {
        case ChildAnswer::End::Processor:
            return fmt::format("{} it takes too long (the limit is {} seconds of processor time)", outsider.doing,
                               most_processor_time.count());
        case ChildAnswer::End::TooLong:
            return fmt::format("it produces more than {} bytes of output", longest_answer);
        // What may go better another time is no fault of the text's, so that nobody remembers it.
        case ChildAnswer::End::Clock:
            raise_machine("the {} was not {} within {} seconds: this machine is too busy", outsider.what, outsider.done,
                          most_time.count());
        case ChildAnswer::End::Killed:
            raise_machine("the process in which the {} was {} was killed, probably for lack of memory", outsider.what,
                          outsider.done);
        case ChildAnswer::End::Interrupted:
            raise_interrupted("interrupted while {} the {}", outsider.doing, outsider.what);
        case ChildAnswer::End::Crashed:
        case ChildAnswer::End::Answered:
            break;
    }
    return fmt::format("{} it crashes; endless recursion can cause this", outsider.doing);
}

}  // namespace

std::string reason_of(const std::exception & e) {
    std::string_view text = e.what();
    if (dynamic_cast<const std::bad_alloc *>(&e) != nullptr || text.find("std::bad_alloc") != std::string_view::npos) {
        return fmt::format("it needs more than {} MiB of memory", most_memory >> 20U);
    }
    text = text.substr(0, text.find_last_not_of(" \n") + 1);
    std::string line(text.substr(0, longest_reason));
    std::replace(line.begin(), line.end(), '\n', ' ');
    return text.size() > longest_reason ? line + "..." : line;
}

void on_stack_for(const Outsider & outsider, const std::function<void()> & work) {
    on_deep_stack(least_stack + outsider.bytes * stack_per_byte, work);
}

Guarded run_guarded(const Vocabulary & vocabulary, const Outsider & outsider,
                    const std::function<std::string()> & work) {
    Guarded result;
    if (outsider.bytes > longest_outside_text) {
        result.error =
            fmt::format("it is {} bytes long; at most {} bytes are supported", outsider.bytes, longest_outside_text);
        return result;
    }
    const ChildBudget budget{.memory = most_memory,
                             .processor = most_processor_time,
                             .clock = most_time,
                             .answer = longest_answer,
                             .stop = vocabulary.stop()};
    const auto attempt = [&]() -> std::string {
        try {
            return made_mark + work();
        } catch (const std::exception & e) {
            return failed_mark + reason_of(e);
        }
    };
    ChildAnswer answer;
    on_stack_for(outsider, [&] { answer = in_child(budget, attempt); });
    if (answer.end != ChildAnswer::End::Answered) {
        result.error = why(outsider, answer.end);
    } else if (answer.text.front() == failed_mark) {
        result.error = answer.text.substr(1);
    } else {
        result.made = answer.text.substr(1);
    }
    return result;
}

}  // namespace snapkv::text

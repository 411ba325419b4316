#include "text/template_frames.h"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "base/deep_stack.h"
#include "base/in_child.h"
#include "base/raise.h"
#include "chat.h"
#include "llama.h"
#include "log.h"

namespace snapkv::text {
namespace {

// Stand for message texts in a rendering. Letters and digits alone, so that no template's filters change them.
constexpr std::array<std::string_view, 3> placeholders = {"Qz7FirstMessage7zQ", "Qz7SecondMessage7zQ",
                                                          "Qz7ThirdMessage7zQ"};

constexpr std::size_t longest_template = std::size_t{1} << 17U;

// The template engine recurses as deep as the text nests: about a kilobyte of stack a level, a byte or two of text.
constexpr std::size_t stack_per_byte = std::size_t{2} << 10U;
constexpr std::size_t least_stack = std::size_t{1} << 20U;

// Known templates take a hundredth of a second and a few megabytes, and malloc reserves 128 for a thread of its own.
constexpr std::uint64_t most_memory = std::uint64_t{256} << 20U;
constexpr std::chrono::seconds most_processor_time{3};
constexpr std::chrono::seconds most_time{30};  // on a machine that is busy otherwise
constexpr std::size_t longest_answer = std::size_t{1} << 20U;
constexpr std::size_t longest_reason = 400;

/// As one line of reasonable length.
std::string reason(std::string_view text) {
    text = text.substr(0, text.find_last_not_of(" \n") + 1);
    std::string line(text.substr(0, longest_reason));
    std::replace(line.begin(), line.end(), '\n', ' ');
    return text.size() > longest_reason ? line + "..." : line;
}

std::string token_text(const Vocabulary & vocabulary, Token token) {
    return token == LLAMA_TOKEN_NULL ? std::string() : vocabulary.piece(token, true);
}

/// The first messages of a conversation, the user's and the assistant's in turn, each a placeholder.
std::string render(const common_chat_templates & templates, std::size_t messages) {
    common_chat_templates_inputs inputs;
    for (std::size_t i = 0; i < messages; ++i) {
        common_chat_msg message;
        message.role = i % 2 == 0 ? "user" : "assistant";
        message.content = placeholders[i];
        inputs.messages.push_back(std::move(message));
    }
    inputs.use_jinja = true;
    inputs.add_generation_prompt = true;
    inputs.enable_thinking = false;
    inputs.force_pure_content = true;  // nothing but the rendering: no parser for tools or reasoning is derived
    return common_chat_templates_apply(&templates, inputs).prompt;
}

/// Where a placeholder stands; raises unless it stands there exactly once.
std::size_t find_once(std::string_view rendering, std::string_view placeholder) {
    const std::size_t found = rendering.find(placeholder);
    if (found == std::string_view::npos) {
        raise_input("it does not render the message's text as it is");
    }
    if (rendering.find(placeholder, found + 1) != std::string_view::npos) {
        raise_input("it renders a message's text more than once");
    }
    return found;
}

Frame frame_of_first(const common_chat_templates & templates) {
    const std::string text = render(templates, 1);
    const std::size_t at = find_once(text, placeholders[0]);
    return {.before = text.substr(0, at), .after = text.substr(at + placeholders[0].size())};
}

Frame frame_of_further(const common_chat_templates & templates) {
    const std::string text = render(templates, 3);
    const std::size_t answer_end = find_once(text, placeholders[1]) + placeholders[1].size();
    const std::size_t at = find_once(text, placeholders[2]);
    if (at < answer_end) {
        raise_input("it renders messages out of order");
    }
    return {.before = text.substr(answer_end, at - answer_end), .after = text.substr(at + placeholders[2].size())};
}

/// Why it failed. The engine passes on what it catches as text, an allocation that failed too.
std::string why(const std::exception & e) {
    if (dynamic_cast<const std::bad_alloc *>(&e) != nullptr ||
        std::string_view(e.what()).find("std::bad_alloc") != std::string_view::npos) {
        return fmt::format("it takes more than {} MiB of memory", most_memory >> 20U);
    }
    return reason(e.what());
}

/// On whatever stack and with whatever memory there is.
TemplateFrames render_here(const Vocabulary & vocabulary, const std::string & source) {
    TemplateFrames frames;
    try {
        // Parsed on its own first, because the common library loses the reason on its way out.
        static_cast<void>(common_chat_template(source, token_text(vocabulary, llama_vocab_bos(vocabulary.raw())),
                                               token_text(vocabulary, llama_vocab_eos(vocabulary.raw()))));
        const common_chat_templates_ptr templates = common_chat_templates_init(vocabulary.model(), source);
        frames.first = frame_of_first(*templates);
        try {
            frames.further = frame_of_further(*templates);
        } catch (const std::exception & e) {
            frames.further_error = why(e);
        }
    } catch (const std::exception & e) {
        frames.error = why(e);
    }
    return frames;
}

// What the child sends: each field behind its length and a colon.

void send(std::string & bytes, std::string_view field) {
    bytes += fmt::format("{}:", field.size()) + std::string(field);
}

std::string receive(std::string_view & bytes) {
    const std::size_t colon = bytes.find(':');
    const std::size_t size = std::stoul(std::string(bytes.substr(0, colon)));
    const std::string field(bytes.substr(colon + 1, size));
    bytes.remove_prefix(colon + 1 + size);
    return field;
}

void send(std::string & bytes, const std::optional<Frame> & frame) {
    send(bytes, frame ? "yes" : "");
    send(bytes, frame ? frame->before : "");
    send(bytes, frame ? frame->after : "");
}

std::optional<Frame> receive_frame(std::string_view & bytes) {
    const bool there = !receive(bytes).empty();
    std::string before = receive(bytes);
    std::string after = receive(bytes);
    return there ? std::optional(Frame{std::move(before), std::move(after)}) : std::nullopt;
}

std::string encode(const TemplateFrames & frames) {
    std::string bytes;
    send(bytes, frames.first);
    send(bytes, frames.further);
    send(bytes, frames.error);
    send(bytes, frames.further_error);
    return bytes;
}

TemplateFrames decode(std::string_view bytes) {
    TemplateFrames frames;
    frames.first = receive_frame(bytes);
    frames.further = receive_frame(bytes);
    frames.error = receive(bytes);
    frames.further_error = receive(bytes);
    return frames;
}

std::string why(ChildAnswer::End end) {
    switch (end) {
        case ChildAnswer::End::Time:
            return fmt::format("rendering it takes more than {} seconds", most_processor_time.count());
        case ChildAnswer::End::TooLong:
            return fmt::format("it renders more than {} bytes around a short message", longest_answer);
        case ChildAnswer::End::Interrupted:
            raise_interrupted("interrupted while the chat template was rendered");
        case ChildAnswer::End::Crashed:
        case ChildAnswer::End::Answered:
            break;
    }
    return "rendering it crashes, as it does for one that calls itself without end";
}

}  // namespace

TemplateFrames render_frames(const Vocabulary & vocabulary, const std::string & source) {
    TemplateFrames frames;
    if (source.size() > longest_template) {
        frames.error = fmt::format("it has {} bytes; supported are {}", source.size(), longest_template);
        return frames;
    }
    common_log_set_verbosity_thold(-1);
    const ChildBudget budget{.memory = most_memory,
                             .processor = most_processor_time,
                             .clock = most_time,
                             .answer = longest_answer,
                             .stop = vocabulary.stop()};
    ChildAnswer answer;
    on_deep_stack(least_stack + source.size() * stack_per_byte,
                  [&] { answer = in_child(budget, [&] { return encode(render_here(vocabulary, source)); }); });
    if (answer.end == ChildAnswer::End::Answered) {
        return decode(answer.text);
    }
    frames.error = why(answer.end);
    return frames;
}

}  // namespace snapkv::text

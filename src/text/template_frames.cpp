#include "text/template_frames.h"

#include <fmt/chrono.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <exception>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "base/deep_stack.h"
#include "base/in_child.h"
#include "base/raise.h"
#include "jinja/caps.h"
#include "jinja/lexer.h"
#include "jinja/parser.h"
#include "jinja/runtime.h"
#include "json.h"
#include "llama.h"

namespace snapkv::text {
namespace {

/// Stands for a message's text in a rendering. Letters and digits alone, so that no template's filters change it.
std::string placeholder(std::size_t message) {
    return fmt::format("Qz7Message{:05}7zQ", message);
}

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

/// Today, as templates want it.
struct Dates {
    std::string american;
    std::string european;
};

Dates today() {
    const std::tm now = fmt::localtime(std::time(nullptr));
    return {.american = fmt::format("{:%b %d %Y}", now), .european = fmt::format("{:%d %b %Y}", now)};
}

/// A template as llama.cpp's engine runs it.
class Template {
public:
    Template(const Vocabulary & vocabulary, const Dates & dates, const std::string & source)
        : vocabulary_(vocabulary),
          dates_(dates),
          source_(jinja::lexer().tokenize(source)),
          program_(jinja::parse_from_tokens(source_)) {
        const jinja::caps abilities = jinja::caps_get(program_);
        knows_system_ = abilities.supports_system_role;
        typed_ = !abilities.supports_string_content && abilities.supports_typed_content;
    }

    /// A conversation whose messages have these roles, each a placeholder, with the opening of the assistant's turn. As
    /// llama.cpp's common library renders it: no token twice that the tokenizer adds, and a system message that the
    /// template would not know as a line of its own before the next.
    [[nodiscard]] std::string render(std::span<const std::string> roles) {
        const std::string bos = token_text(vocabulary_, llama_vocab_bos(vocabulary_.raw()));
        const std::string eos = token_text(vocabulary_, llama_vocab_eos(vocabulary_.raw()));
        jinja::context context(source_.source);
        jinja::global_from_json(context, input(roles, bos, eos), false);
        jinja::runtime runtime(context);
        std::string text = jinja::runtime::gather_string_parts(runtime.execute(program_))->as_string().str();
        if (llama_vocab_get_add_bos(vocabulary_.raw()) && text.starts_with(bos)) {
            text.erase(0, bos.size());
        }
        if (llama_vocab_get_add_eos(vocabulary_.raw()) && text.ends_with(eos)) {
            text.resize(text.size() - eos.size());
        }
        return text;
    }

private:
    [[nodiscard]] common_json input(std::span<const std::string> roles, const std::string & bos,
                                    const std::string & eos) const {
        common_json conversation = common_json::array();
        std::string pending;  // a system message's
        for (std::size_t i = 0; i < roles.size(); ++i) {
            std::string content = std::exchange(pending, {}) + placeholder(i);
            if (i == 0 && roles[i] == "system" && !knows_system_ && roles.size() > 1) {
                pending = content + "\n";
                continue;
            }
            common_json message = common_json::object();
            message["role"] = roles[i];
            if (typed_) {
                common_json part = common_json::object();
                part["type"] = "text";
                part["text"] = content;
                common_json parts = common_json::array();
                parts.push_back(std::move(part));
                message["content"] = std::move(parts);
            } else {
                message["content"] = content;
            }
            conversation.push_back(std::move(message));
        }
        common_json input = common_json::object();
        input["messages"] = std::move(conversation);
        input["bos_token"] = bos;
        input["eos_token"] = eos;
        input["enable_thinking"] = false;
        input["add_generation_prompt"] = true;
        input["datetime"] = dates_.american;
        input["date_string"] = dates_.european;
        return input;
    }

    const Vocabulary & vocabulary_;
    const Dates & dates_;
    jinja::lexer_result source_;
    jinja::program program_;
    bool knows_system_ = true;
    bool typed_ = false;  ///< it takes a message's content as a list of parts only
};

/// Where the placeholder of a message stands; raises unless it stands there exactly once.
std::size_t find_once(std::string_view rendering, std::size_t message) {
    const std::string wanted = placeholder(message);
    const std::size_t found = rendering.find(wanted);
    if (found == std::string_view::npos) {
        raise_input("it does not reproduce the message text unchanged");
    }
    if (rendering.find(wanted, found + 1) != std::string_view::npos) {
        raise_input("it repeats the message text");
    }
    return found;
}

/// The texts around the messages of such a conversation.
std::vector<std::string> texts_around(Template & chat, std::span<const std::string> roles) {
    const std::string text = chat.render(roles);
    std::vector<std::string> around;
    std::size_t end = 0;
    for (std::size_t message = 0; message < roles.size(); ++message) {
        const std::size_t at = find_once(text, message);
        if (at < end) {
            raise_input("it puts the messages out of order");
        }
        around.push_back(text.substr(end, at - end));
        end = at + placeholder(message).size();
    }
    around.push_back(text.substr(end));
    return around;
}

Frame frame_of_first(Template & chat) {
    const std::array<std::string, 1> roles{"user"};
    std::vector<std::string> around = texts_around(chat, roles);
    return {.before = std::move(around[0]), .after = std::move(around[1])};
}

/// A further message adds what comes after the answer before it. What a template says before that does not matter.
Frame frame_of_further(Template & chat) {
    const std::array<std::string, 3> roles{"user", "assistant", "user"};
    const std::string text = chat.render(roles);
    const std::size_t answer_end = find_once(text, 1) + placeholder(1).size();
    const std::size_t at = find_once(text, 2);
    if (at < answer_end) {
        raise_input("it puts the messages out of order");
    }
    return {.before = text.substr(answer_end, at - answer_end), .after = text.substr(at + placeholder(2).size())};
}

/// Why it failed. The engine passes on what it catches as text, an allocation that failed too.
std::string why(const std::exception & e) {
    if (dynamic_cast<const std::bad_alloc *>(&e) != nullptr ||
        std::string_view(e.what()).find("std::bad_alloc") != std::string_view::npos) {
        return fmt::format("it needs more than {} MiB of memory", most_memory >> 20U);
    }
    return reason(e.what());
}

/// On whatever stack and with whatever memory there is.
TemplateFrames render_here(const Vocabulary & vocabulary, const Dates & dates, const std::string & source) {
    TemplateFrames frames;
    try {
        Template chat(vocabulary, dates, source);
        frames.first = frame_of_first(chat);
        try {
            frames.further = frame_of_further(chat);
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
    std::string field(bytes.substr(colon + 1, size));
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
        case ChildAnswer::End::Processor:
            return fmt::format("rendering it takes too long (the limit is {} seconds of processor time)",
                               most_processor_time.count());
        case ChildAnswer::End::TooLong:
            return fmt::format("it produces more than {} bytes of output for a short message", longest_answer);
        // What may go better another time is no fault of the template's, so that nobody remembers it.
        case ChildAnswer::End::Clock:
            raise_machine("the chat template was not rendered within {} seconds: this machine is too busy",
                          most_time.count());
        case ChildAnswer::End::Killed:
            raise_machine("the process that rendered the chat template was killed, probably for lack of memory");
        case ChildAnswer::End::Interrupted:
            raise_interrupted("interrupted while rendering the chat template");
        case ChildAnswer::End::Crashed:
        case ChildAnswer::End::Answered:
            break;
    }
    return "rendering it crashes; endless recursion can cause this";
}

}  // namespace

namespace {

/// What `render` makes of a template in a child process; nothing, and why, where that fails.
template <typename Render>
std::optional<std::string> render_guarded(const Vocabulary & vocabulary, const std::string & source,
                                          const Render & render, std::string & error) {
    if (source.size() > longest_template) {
        error = fmt::format("it is {} bytes long; at most {} bytes are supported", source.size(), longest_template);
        return std::nullopt;
    }
    const ChildBudget budget{.memory = most_memory,
                             .processor = most_processor_time,
                             .clock = most_time,
                             .answer = longest_answer,
                             .stop = vocabulary.stop()};
    const Dates dates = today();  // here, for the C library locks the time zone
    ChildAnswer answer;
    on_deep_stack(least_stack + source.size() * stack_per_byte,
                  [&] { answer = in_child(budget, [&] { return render(dates); }); });
    if (answer.end != ChildAnswer::End::Answered) {
        error = why(answer.end);
        return std::nullopt;
    }
    return std::move(answer.text);
}

}  // namespace

TemplateFrames render_frames(const Vocabulary & vocabulary, const std::string & source) {
    TemplateFrames frames;
    const auto rendered = render_guarded(
        vocabulary, source, [&](const Dates & dates) { return encode(render_here(vocabulary, dates, source)); },
        frames.error);
    return rendered ? decode(*rendered) : frames;
}

TemplateTexts render_texts(const Vocabulary & vocabulary, const std::string & source,
                           std::span<const std::string> roles) {
    TemplateTexts texts;
    const auto render = [&](const Dates & dates) {
        std::string bytes;
        try {
            Template chat(vocabulary, dates, source);
            const std::vector<std::string> around = texts_around(chat, roles);
            send(bytes, "");
            for (const std::string & text : around) {
                send(bytes, text);
            }
        } catch (const std::exception & e) {
            send(bytes, why(e));
        }
        return bytes;
    };
    if (const auto rendered = render_guarded(vocabulary, source, render, texts.error)) {
        std::string_view left = *rendered;
        texts.error = receive(left);
        while (!left.empty()) {
            texts.around.push_back(receive(left));
        }
    }
    return texts;
}

TemplateFrames render_unguarded(const Vocabulary & vocabulary, const std::string & source) {
    return render_here(vocabulary, today(), source);
}

}  // namespace snapkv::text

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

#include "base/raise.h"
#include "jinja/caps.h"
#include "jinja/lexer.h"
#include "jinja/parser.h"
#include "jinja/runtime.h"
#include "json.h"
#include "llama.h"
#include "text/guarded.h"

namespace snapkv::text {
namespace {

/// Stands for a message's text in a rendering. Letters and digits alone, so that no template's filters change it.
std::string placeholder(std::size_t message) {
    return fmt::format("Qz7Message{:05}7zQ", message);
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

/// On whatever stack and with whatever memory there is.
TemplateFrames render_here(const Vocabulary & vocabulary, const Dates & dates, const std::string & source) {
    TemplateFrames frames;
    try {
        Template chat(vocabulary, dates, source);
        frames.first = frame_of_first(chat);
        try {
            frames.further = frame_of_further(chat);
        } catch (const std::exception & e) {
            frames.further_error = reason_of(e);
        }
    } catch (const std::exception & e) {
        frames.error = reason_of(e);
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

Outsider as_outsider(const std::string & source) {
    return {.what = "chat template", .doing = "rendering", .done = "rendered", .bytes = source.size()};
}

}  // namespace

TemplateFrames render_frames(const Vocabulary & vocabulary, const std::string & source) {
    const Dates dates = today();  // here, for the C library locks the time zone
    Guarded guarded =
        run_guarded(vocabulary, as_outsider(source), [&] { return encode(render_here(vocabulary, dates, source)); });
    TemplateFrames frames;
    frames.error = std::move(guarded.error);
    return guarded.made ? decode(*guarded.made) : frames;
}

TemplateTexts render_texts(const Vocabulary & vocabulary, const std::string & source,
                           std::span<const std::string> roles) {
    const Dates dates = today();
    Guarded guarded = run_guarded(vocabulary, as_outsider(source), [&] {
        Template chat(vocabulary, dates, source);
        std::string bytes;
        for (const std::string & text : texts_around(chat, roles)) {
            send(bytes, text);
        }
        return bytes;
    });
    TemplateTexts texts;
    texts.error = std::move(guarded.error);
    for (std::string_view left = guarded.made ? *guarded.made : std::string_view(); !left.empty();) {
        texts.around.push_back(receive(left));
    }
    return texts;
}

TemplateFrames render_unguarded(const Vocabulary & vocabulary, const std::string & source) {
    return render_here(vocabulary, today(), source);
}

}  // namespace snapkv::text

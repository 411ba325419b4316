#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/deep_stack.h"
#include "base/raise.h"
#include "chat.h"
#include "llama.h"
#include "log.h"
#include "text/prompt.h"
#include "text/special_text.h"

namespace snapkv::text {
namespace {

// Stand for message texts in a rendering. Letters and digits alone, so that no template's filters change them.
constexpr std::array<std::string_view, 3> placeholders = {"Qz7FirstMessage7zQ", "Qz7SecondMessage7zQ",
                                                          "Qz7ThirdMessage7zQ"};

// The template engine recurses as deep as the text nests: about a kilobyte of stack a level, a byte or two of text.
constexpr std::size_t longest_template = std::size_t{1} << 17U;
constexpr std::size_t template_stack = std::size_t{1} << 29U;

void silence_log_once() {
    static const bool silent = [] {
        common_log_set_verbosity_thold(-1);
        return true;
    }();
    static_cast<void>(silent);
}

std::string one_line(std::string_view text) {
    std::string line(text.substr(0, text.find_last_not_of(" \n") + 1));
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
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

ChatTemplate::Frame frame_of_first(const common_chat_templates & templates) {
    const std::string text = render(templates, 1);
    const std::size_t at = find_once(text, placeholders[0]);
    return {.before = text.substr(0, at), .after = text.substr(at + placeholders[0].size())};
}

ChatTemplate::Frame frame_of_further(const common_chat_templates & templates) {
    const std::string text = render(templates, 3);
    const std::size_t answer_end = find_once(text, placeholders[1]) + placeholders[1].size();
    const std::size_t at = find_once(text, placeholders[2]);
    if (at < answer_end) {
        raise_input("it renders messages out of order");
    }
    return {.before = text.substr(answer_end, at - answer_end), .after = text.substr(at + placeholders[2].size())};
}

}  // namespace

struct ChatTemplate::Impl {
    std::optional<Frame> first;
    std::optional<Frame> further;
    std::optional<Frame> further_after_end;
    std::string error;          // why there is no first frame
    std::string further_error;  // why there is no further frame

    Impl(const Vocabulary & vocabulary, const std::string & source) {
        silence_log_once();
        if (source.size() > longest_template) {
            error = fmt::format("the chat template has {} bytes; supported are {}", source.size(), longest_template);
            return;
        }
        on_deep_stack(template_stack, [&] { render_all(vocabulary, source); });
    }
    explicit Impl(std::string reason) : error(std::move(reason)) {}

    void render_all(const Vocabulary & vocabulary, const std::string & source) {
        // Rendered once and kept: a template may print the time, and a conversation should not change under way.
        try {
            // Parsed on its own first, because the common library loses the reason on its way out.
            static_cast<void>(common_chat_template(source, token_text(vocabulary, llama_vocab_bos(vocabulary.raw())),
                                                   token_text(vocabulary, llama_vocab_eos(vocabulary.raw()))));
            const common_chat_templates_ptr templates = common_chat_templates_init(vocabulary.model(), source);
            first = frame_of_first(*templates);
            render_further(vocabulary, *templates);
        } catch (const std::exception & e) {
            error = "the chat template does not work: " + one_line(e.what());
        }
    }

    void render_further(const Vocabulary & vocabulary, const common_chat_templates & templates) {
        try {
            further = frame_of_further(templates);
            further_after_end = further;
            if (const auto end = leading_end(vocabulary, further->before)) {
                further_after_end->before.erase(0, end->bytes);
            }
        } catch (const std::exception & e) {
            further_error = "the chat template takes no further turn: " + one_line(e.what());
        }
    }
};

ChatTemplate::ChatTemplate(const Vocabulary & vocabulary) {
    const char * source = llama_model_chat_template(vocabulary.model(), nullptr);
    impl_ = source != nullptr && *source != 0
                ? std::make_unique<Impl>(vocabulary, source)
                : std::make_unique<Impl>("the model has no chat template (key tokenizer.chat_template)");
}

ChatTemplate::ChatTemplate(const Vocabulary & vocabulary, const std::string & source)
    : impl_(std::make_unique<Impl>(vocabulary, source)) {}

ChatTemplate::~ChatTemplate() = default;
ChatTemplate::ChatTemplate(ChatTemplate &&) noexcept = default;
ChatTemplate & ChatTemplate::operator=(ChatTemplate &&) noexcept = default;

bool ChatTemplate::usable() const {
    return impl_->first.has_value();
}

const std::string & ChatTemplate::error() const {
    return impl_->error;
}

ChatTemplate::Frame ChatTemplate::first_turn() const {
    if (!usable()) {
        raise_input("{}; --raw does without one", error());
    }
    return *impl_->first;
}

ChatTemplate::Frame ChatTemplate::further_turn(bool end_token_fed) const {
    if (!usable() || !impl_->further) {
        raise_input("{}; --raw does without one", usable() ? impl_->further_error : error());
    }
    return end_token_fed ? *impl_->further_after_end : *impl_->further;
}

}  // namespace snapkv::text

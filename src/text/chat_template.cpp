#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/raise.h"
#include "text/prompt.h"
#include "text/special_text.h"
#include "text/template_frames.h"

namespace snapkv::text {

namespace {

[[noreturn]] void raise_unusable(const std::string & why) {
    throw Error(ErrorKind::Input, why, "chat_template");
}

/// Some files name this format instead of holding a template.
const std::string & source_of(const std::string & named) {
    static const std::string chatml =
        "{%- for message in messages -%}{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}"
        "{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}";
    return named == "chatml" ? chatml : named;
}

}  // namespace

struct ChatTemplate::Impl {
    std::string source;

    explicit Impl(std::string text) : source(std::move(text)) {}

    // Rendered once and kept: a template may print the time, and a conversation should not change under way.
    struct Rendered {
        std::optional<Frame> first;
        std::optional<Frame> further;
        std::optional<Frame> further_after_end;
        std::string error;
        std::string further_error;
    };
    const Rendered & rendered(const Vocabulary & vocabulary) {
        // Not std::call_once: what throws must be tried again, and ThreadSanitizer waits for it for ever.
        const std::unique_lock lock = locked(vocabulary);
        if (!result) {
            result = render(vocabulary);
        }
        return *result;
    }

    /// Likewise, for the conversations of the last few kinds.
    std::vector<std::string> texts_around(const Vocabulary & vocabulary, std::span<const std::string> roles) {
        const std::unique_lock lock = locked(vocabulary);
        const auto same = [&](const Conversation & known) { return std::ranges::equal(known.roles, roles); };
        auto found = std::find_if(conversations.begin(), conversations.end(), same);
        if (found == conversations.end()) {
            if (source.empty()) {
                raise_unusable(no_template);
            }
            TemplateTexts texts = render_texts(vocabulary, source, roles);
            if (texts.around.empty()) {
                raise_unusable(fmt::format("the chat template cannot render a conversation of {}: {}",
                                           fmt::join(roles, ", "), texts.error));
            }
            constexpr std::size_t most_kept = 8;
            if (conversations.size() == most_kept) {
                conversations.erase(conversations.begin());
            }
            conversations.push_back({{roles.begin(), roles.end()}, std::move(texts.around)});
            found = conversations.end() - 1;
        }
        return found->around;
    }

private:
    /// Waits while another call renders, but not beyond what ends this one.
    std::unique_lock<std::mutex> locked(const Vocabulary & vocabulary) {
        // Rendering takes some ten. Not a timed mutex: ThreadSanitizer does not see how that is locked.
        constexpr std::chrono::milliseconds tick{5};
        std::unique_lock lock(mutex, std::try_to_lock);
        while (!lock.owns_lock()) {
            vocabulary.check_stop();
            std::this_thread::sleep_for(tick);
            static_cast<void>(lock.try_lock());
        }
        return lock;
    }

    struct Conversation {
        std::vector<std::string> roles;
        std::vector<std::string> around;
    };

    Rendered render(const Vocabulary & vocabulary) const {
        Rendered frames;
        if (source.empty()) {
            frames.error = no_template;
            return frames;
        }
        TemplateFrames made = render_frames(vocabulary, source);
        frames.first = std::move(made.first);
        frames.further = std::move(made.further);
        frames.further_after_end = frames.further;
        if (frames.further) {
            if (const auto end = leading_end(vocabulary, frames.further->before)) {
                frames.further_after_end->before.erase(0, end->bytes);
            }
        }
        if (!frames.first) {
            frames.error = "the chat template cannot be used: " + made.error;
        } else if (!frames.further) {
            frames.further_error = "the chat template cannot render a second user message: " + made.further_error;
        }
        return frames;
    }

    static constexpr const char * no_template =
        "the model file contains no chat template (tokenizer.chat_template is missing)";

    std::mutex mutex;
    std::optional<Rendered> result;
    std::vector<Conversation> conversations;
};

ChatTemplate::ChatTemplate(const Vocabulary & vocabulary) : ChatTemplate(vocabulary, vocabulary.chat_template()) {}

ChatTemplate::ChatTemplate(const Vocabulary & vocabulary, const std::string & source)
    : vocabulary_(vocabulary), impl_(std::make_shared<Impl>(source_of(source))) {}

ChatTemplate ChatTemplate::with(const Vocabulary & of_call) const {
    ChatTemplate same = *this;
    same.vocabulary_ = of_call;
    return same;
}

const std::string & ChatTemplate::source() const {
    return impl_->source;
}

bool ChatTemplate::usable() const {
    return impl_->rendered(vocabulary_).first.has_value();
}

const std::string & ChatTemplate::error() const {
    return impl_->rendered(vocabulary_).error;
}

Frame ChatTemplate::first_turn() const {
    if (!usable()) {
        raise_unusable(error());
    }
    return *impl_->rendered(vocabulary_).first;
}

std::vector<std::string> ChatTemplate::texts_around(std::span<const std::string> roles) const {
    return impl_->texts_around(vocabulary_, roles);
}

Frame ChatTemplate::further_turn(bool end_token_fed) const {
    const Impl::Rendered & rendered = impl_->rendered(vocabulary_);
    if (!rendered.first || !rendered.further) {
        raise_unusable(rendered.first ? rendered.further_error : rendered.error);
    }
    return end_token_fed ? *rendered.further_after_end : *rendered.further;
}

}  // namespace snapkv::text

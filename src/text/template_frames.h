#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "text/vocabulary.h"

namespace snapkv::text {

/// What stands around a user message in a conversation.
struct Frame {
    std::string before;
    std::string after;
};

/// What a chat template makes of the first messages of a conversation.
struct TemplateFrames {
    std::optional<Frame> first;
    std::optional<Frame> further;
    std::string error;          ///< why there is no first frame
    std::string further_error;  ///< why there is no further frame
};

/// What a chat template has before, between and behind the messages of a conversation, the opening of the answer
/// included: one text more than there are messages.
struct TemplateTexts {
    std::vector<std::string> around;
    std::string error;  ///< why there are none
};

/// Renders a Jinja template with llama.cpp's implementation. A template is a program from outside: it runs in a child
/// process with a budget of time, memory and stack, and one that exceeds it is said to in `error`. Throws
/// Error(Machine) where no child process can be had or the system is too busy for it or kills it, Error(Interrupted)
/// once the vocabulary is to stop.
TemplateFrames render_frames(const Vocabulary & vocabulary, const std::string & source);

/// The same for a conversation whose messages have these roles.
TemplateTexts render_texts(const Vocabulary & vocabulary, const std::string & source,
                           std::span<const std::string> roles);

/// render_frames() in this process and without a budget, for a fuzzer that is to see what runs.
TemplateFrames render_unguarded(const Vocabulary & vocabulary, const std::string & source);

}  // namespace snapkv::text

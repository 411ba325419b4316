#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace snapkv {

/// One message of a conversation.
struct ChatMessage {
    std::string role;     ///< "system", "developer", "user", "assistant" or "tool"
    std::string content;  ///< UTF-8; none of it ever becomes a control token
};

/// A place in a conversation: before the byte `byte` of the content of message `message`.
struct ChatPlace {
    std::size_t message = 0;
    std::size_t byte = 0;
};

/// Which part of a conversation is the document, where truncation takes tokens out, and where the question begins,
/// whose tokens decide what is kept of everything before them.
struct ChatMarks {
    ChatPlace document_begin;
    ChatPlace document_end;
    std::optional<ChatPlace> question;
};

}  // namespace snapkv

#pragma once

#include <span>
#include <string>
#include <string_view>

#include "snapkv/error.h"

namespace snapkv::cli {

/// A field of the library's options and the flag that sets it.
struct FieldName {
    std::string_view field;
    std::string_view flag;
};
[[nodiscard]] std::span<const FieldName> field_names();

/// An error's message in the words of the command line: flags in the place of fields, and what to do without a chat
/// template that works.
[[nodiscard]] std::string message_of(const Error & error);

}  // namespace snapkv::cli

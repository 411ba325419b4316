#pragma once

#include <string>

#include "cells.h"

namespace snapkv::cli {

/// The prompt with 256-colour backgrounds, window tokens underlined, and a legend. Control characters of the document
/// are replaced, so that it cannot write to the terminal.
[[nodiscard]] std::string coloured_text(const ShownPrompt & prompt);

/// The same without colours: kept runs in brackets that begin with their level, as in "[3|text]", window tokens in
/// "[w|text]".
[[nodiscard]] std::string marked_text(const ShownPrompt & prompt);

}  // namespace snapkv::cli

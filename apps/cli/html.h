#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cells.h"

namespace snapkv::cli {

/// What the page says above the text: labels and values.
using Summary = std::vector<std::pair<std::string, std::string>>;

/// By which such a page is known again.
inline constexpr std::string_view page_title = "What the cache keeps of the prompt";

/// One self-contained page: summary, legend, and the prompt with every token shaded by how many heads kept it.
[[nodiscard]] std::string html_page(const Summary & summary, const ShownPrompt & prompt);

}  // namespace snapkv::cli

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "cells.h"

namespace snapkv::cli {

/// What the page says above the text: labels and values.
using Summary = std::vector<std::pair<std::string, std::string>>;

/// One self-contained page: summary, legend, and the prompt with every token shaded by how many heads kept it.
[[nodiscard]] std::string html_page(const std::string & title, const Summary & summary, const ShownPrompt & prompt);

}  // namespace snapkv::cli

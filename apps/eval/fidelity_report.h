#pragma once

#include <span>

#include "eval/journal.h"
#include "eval/pictured_report.h"

namespace snapkv::eval {

/// What each cache costs in fidelity to the full one, by rows and by bytes: for each prompt length a table, the
/// divergence by share of the bytes, and by budget where there are several.
[[nodiscard]] PicturedReport fidelity_report(std::span<const Json> records);

}  // namespace snapkv::eval

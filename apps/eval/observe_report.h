#pragma once

#include <span>
#include <string>
#include <vector>

#include "eval/attention_mass.h"
#include "eval/hit_rate.h"
#include "eval/journal.h"
#include "eval/pictured_report.h"
#include "eval/selected_sets.h"

namespace snapkv::eval {

/// Reports of what was observed, one for each of the paper's figures, with figures per layer and as layer x head maps.
/// Each takes the journal's records, which the functions below make.

/// The "key" of a layer's record, whatever was observed.
[[nodiscard]] std::string layer_key(std::uint32_t layer);

/// Figure 2: one record a layer, {"key", "layer", "rates": [window], "heads": [[head] of the last window]}.
[[nodiscard]] Json windows_record(const HitRate & study, std::uint32_t layer, std::uint32_t heads);
[[nodiscard]] PicturedReport windows_report(std::span<const Json> records);

/// Figure 3: the last window against each generated window, {"key", "layer", "rates": [generated window], "heads"}.
[[nodiscard]] Json generation_record(const HitRate & study, std::uint32_t layer, std::uint32_t heads);
[[nodiscard]] PicturedReport generation_report(std::span<const Json> records);

/// Figure 4: {"key", "layer", "overlap": [instruction][instruction], "heads": [KV head], the mean over pairs}.
[[nodiscard]] Json instructions_record(std::span<const SelectedSets> sets, std::uint32_t layer);
[[nodiscard]] PicturedReport instructions_report(std::span<const Json> records, std::span<const std::string> names);

/// Figure 5: {"key", "layer", "rates", "heads": [[head] of each]}: with the instruction after and before the document.
[[nodiscard]] Json position_record(const HitRate & after, const HitRate & before, std::uint32_t layer,
                                   std::uint32_t heads);
[[nodiscard]] PicturedReport position_report(std::span<const Json> records);

/// {"key", "layer", "kept": [budget], "heads": [[head] of each budget], "parts": [part]}.
[[nodiscard]] Json mass_record(const AttentionMass & study, std::uint32_t layer, std::uint32_t heads,
                               std::size_t budgets);
[[nodiscard]] PicturedReport mass_report(std::span<const Json> records, std::span<const std::string> budgets);

}  // namespace snapkv::eval

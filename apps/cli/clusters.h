#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "option_table.h"
#include "snapkv/cluster.h"

namespace snapkv::cli {

/// A cluster as eval::cluster_text() writes it: a rule with the rows or half-lives that it takes, then what it makes of
/// the text: `kernel:BACK,AHEAD`, `avg:BACK,AHEAD`, `none`, `reach:BACK,AHEAD`; `+words`, `+stops`. None for `auto`.
/// Throws Error(Usage).
[[nodiscard]] std::optional<Cluster> read_cluster(std::string_view option, std::string_view text);

/// Several, separated by commas; a part that begins with a digit belongs to the one before. Throws Error(Usage).
[[nodiscard]] std::vector<std::optional<Cluster>> read_clusters(Name option, const Value & list);

}  // namespace snapkv::cli

#pragma once

#include <cstdint>
#include <string>

#include "eval/fidelity.h"
#include "eval/journal.h"

namespace snapkv::eval {

/// One variant on one sample as a line of the journal: {"key", "sample", "variant", "place", "full", "budget",
/// "generated_tokens", "reference", "answer", "answer_f1", "rows_kept", "rows_full", "evicted", "bytes_kept",
/// "bytes_full", "compressed", "reason", and one number a scored position in "divergence", "got", "expected",
/// "agreed"}. "answer_f1" is the token F1 of the variant's own answer against the reference.
[[nodiscard]] Json fidelity_record(const std::string & sample, std::uint32_t length, const Variant & variant,
                                   const Fidelity & fidelity, const Followed & followed);
[[nodiscard]] std::string fidelity_key(const std::string & sample, const Variant & variant);

/// The positions that a record scored.
[[nodiscard]] NextToken scored_positions(const Json & record);

}  // namespace snapkv::eval

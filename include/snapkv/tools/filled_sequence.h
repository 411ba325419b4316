#pragma once

#include <cstdint>
#include <optional>

#include "snapkv/cache_config.h"
#include "snapkv/export.h"
#include "snapkv/sequence.h"
#include "snapkv/session.h"

namespace snapkv {

/// A sequence in the state that a prompt of `depth` tokens would have left it in, but with random tokens and random
/// rows: as many as the configuration would keep, at positions spread over the prompt. For benchmarks and tests that
/// need decode at a depth without the prefill; the logits are zeros and the text means nothing. The same seed gives the
/// same sequence. Returns nothing if the session's stop flag is set. Throws as Session::make_sequence() does.
[[nodiscard]] SNAPKV_API std::optional<Sequence> filled_sequence(Session & session, std::uint32_t depth,
                                                                 const CacheConfig & cache, std::uint32_t seed = 1);

}  // namespace snapkv

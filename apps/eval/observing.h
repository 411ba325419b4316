#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "snapkv/session.h"

namespace snapkv::eval {

using OnPrefill = std::function<void(const CallProgress &)>;

/// Each prompt's tokens followed by what the full cache generates after it, greedily, at most `count` tokens. One
/// prefill for all. Nothing where interrupted.
[[nodiscard]] std::optional<std::vector<std::vector<Token>>> continued(Session & session,
                                                                       std::span<const Prompt> prompts,
                                                                       std::uint32_t count, const OnPrefill & progress);

/// Prefills the texts together and lets each be looked at by its observer; nothing is kept. False where interrupted.
bool look(Session & session, std::span<const std::vector<Token>> texts, std::span<const Observer> observers,
          const OnPrefill & progress);

}  // namespace snapkv::eval

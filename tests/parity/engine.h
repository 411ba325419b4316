#pragma once

#include <span>
#include <vector>

#include "run/session_impl.h"

namespace snapkv::test {

/// One prompt with everything kept, in one K/V type.
Branch full_branch(std::span<const Token> tokens, KvType type);

/// Logits after each token of one prefill, [token][vocabulary]. The public interface gives the last token's only.
std::vector<float> prefill_logits(Session::Impl & engine, std::span<const Token> tokens, KvType type);

/// Logits after each token from the `prefilled`-th on: those before it are prefilled, the rest appended one by one.
/// [token][vocabulary]; the first row is that of the last prefilled token.
std::vector<float> step_logits(Session & session, std::span<const Token> tokens, std::size_t prefilled, KvType type);

/// Squared differences over squared values of `expected`; both must be of one size.
double normalised_error(std::span<const float> found, std::span<const float> expected);

/// The most that sums of float32 in another order may err by.
inline constexpr double kMostError = 1e-6;

}  // namespace snapkv::test

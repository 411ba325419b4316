#pragma once

#include <cstdint>
#include <span>

#include "model/decoder.h"
#include "run/compute.h"
#include "run/hidden_states.h"
#include "snapkv/model.h"

namespace snapkv::run {

/// Puts the tokens' embeddings into the first rows of `hidden`, `batch` at a time. Throws Interrupted.
void embed(const model::Decoder & decoder, Compute & compute, Allocator & allocator, std::span<const Token> tokens,
           std::uint32_t batch, HiddenStates & hidden);

}  // namespace snapkv::run

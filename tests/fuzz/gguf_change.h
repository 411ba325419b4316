#pragma once

#include "fuzz/gguf_pieces.h"

namespace snapkv::test {

/// Changes one thing of the file, as chance has it: a key, a value, a tensor, its shape or type, or several that belong
/// together. The same seed makes the same change.
void change(Pieces & pieces, unsigned seed);

}  // namespace snapkv::test

#pragma once

#include "base/raise.h"

namespace snapkv {

/// For handlers of std::bad_alloc where the library ends: what its callers may rely on is Error.
[[noreturn]] inline void out_of_memory() {
    raise_machine("the system refused memory");
}

}  // namespace snapkv

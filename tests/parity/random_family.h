#pragma once

#include "parity/temporary_path.h"
#include "support/family_shapes.h"

namespace snapkv::test {

/// A file of its own with the model.
inline TemporaryPath random_family(const FamilyShape & shape) {
    TemporaryPath path(".gguf");
    write_random_family(shape, path.get());
    return path;
}

}  // namespace snapkv::test

#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "snapkv/snapkv.h"
#include "support/family_shapes.h"
#include "support/random_family.h"
#include "support/temporary_folder.h"

namespace snapkv::test {

/// A tiny random model of a family, loaded from a file of its own.
class LoadedFamily {
public:
    /// `context`: what it was trained with; 0: the shape's.
    explicit LoadedFamily(std::string_view family, std::uint32_t context = 0) {
        FamilyShape shape = family_shape(family);
        shape.context = context > 0 ? context : shape.context;
        write_random_family(shape, folder_.path() / "model.gguf");
    }
    [[nodiscard]] Session session(const std::atomic<bool> * stop = nullptr) const {
        return Session(Model::load(folder_.path() / "model.gguf"), {.threads = 1, .batch = 64, .stop = stop});
    }

private:
    TemporaryFolder folder_;
};

}  // namespace snapkv::test

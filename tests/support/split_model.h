#pragma once

#include <cstddef>
#include <filesystem>

#include "support/temporary_folder.h"

namespace snapkv::test {

/// A model file once more in `parts` parts, as llama.cpp's gguf-split would write it: the keys in the first, the
/// tensors in their order, as many in each. The parts go when the object goes.
class SplitModel {
public:
    SplitModel(const std::filesystem::path & whole, std::size_t parts);

    /// Counted from 0.
    [[nodiscard]] std::filesystem::path part(std::size_t index) const;
    [[nodiscard]] std::filesystem::path first() const { return part(0); }

private:
    TemporaryFolder folder_;
    std::size_t parts_;
};

}  // namespace snapkv::test

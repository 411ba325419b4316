#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/meter.h"

namespace snapkv {

/// Anonymous memory straight from the system, page-aligned and zeroed, given back the moment it is dropped, so that
/// resident memory follows what is alive. Movable; counted by its meter, and without memory, data() null, where that is
/// of sizes.
class Block {
public:
    Block() = default;
    /// Throws Error(Machine) naming the size where the system refuses. Zero bytes give an empty block.
    Block(std::size_t bytes, std::shared_ptr<Meter> meter);
    Block(Block && other) noexcept;
    Block & operator=(Block && other) noexcept;
    ~Block();

    /// Gives back what lies behind the first `bytes`, at most size(), as far as that is whole pages; the rest stays
    /// where it is.
    void shrink(std::size_t bytes);

    [[nodiscard]] std::byte * data() { return data_; }
    [[nodiscard]] const std::byte * data() const { return data_; }
    [[nodiscard]] std::size_t size() const { return bytes_; }
    [[nodiscard]] float * floats() { return reinterpret_cast<float *>(data_); }
    [[nodiscard]] const float * floats() const { return reinterpret_cast<const float *>(data_); }

private:
    std::byte * data_ = nullptr;
    std::size_t bytes_ = 0;
    std::shared_ptr<Meter> meter_;
};

}  // namespace snapkv

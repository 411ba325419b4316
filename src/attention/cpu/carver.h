#pragma once

#include <cstddef>
#include <cstdint>

namespace snapkv::attention::cpu {

/// Hands out a thread's scratch piece by piece, each from a multiple of 64 bytes on if the first is; from null on it
/// counts what would be needed. A copy hands out what is left once more.
class Carver {
public:
    explicit Carver(std::byte * begin) : at_(begin) {}

    std::byte * bytes(std::size_t count) {
        std::byte * piece = at_;
        taken_ += whole_lines(count);
        at_ = at_ == nullptr ? nullptr : at_ + whole_lines(count);
        return piece;
    }
    float * floats(std::size_t count) { return reinterpret_cast<float *>(bytes(count * sizeof(float))); }
    std::uint32_t * indices(std::size_t count) {
        return reinterpret_cast<std::uint32_t *>(bytes(count * sizeof(std::uint32_t)));
    }
    [[nodiscard]] std::size_t taken() const { return taken_; }

private:
    static std::size_t whole_lines(std::size_t bytes) {
        constexpr std::size_t kLine = 64;
        return (bytes + kLine - 1) / kLine * kLine;
    }

    std::byte * at_;
    std::size_t taken_ = 0;
};

}  // namespace snapkv::attention::cpu

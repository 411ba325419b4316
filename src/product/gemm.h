#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace snapkv::product {

/// What the operands of a dense product are made of; sums are float32.
enum class Element { F32, BF16 };

[[nodiscard]] constexpr std::size_t size_of(Element element) {
    return element == Element::F32 ? 4 : 2;
}

/// Was the library built with oneDNN, and does this processor run it well (x86 with AVX2 at least)?
[[nodiscard]] bool gemm_available();
/// Does this processor multiply bfloat16 directly?
[[nodiscard]] bool gemm_has_bf16();

/// Is a row's result the same, bit for bit, whatever other rows are multiplied in the same call? With AVX-512 it is;
/// oneDNN's products for less sum in an order of their own for each number of rows.
[[nodiscard]] bool gemm_rows_are_independent();

/// One matrix of weights [columns][depth] in the layout that oneDNN's products want: the size it takes, and how rows
/// get there. Immutable; safe for several threads.
class PackedLayout {
public:
    /// Columns that pack() takes at a time, save for the last of a matrix.
    static constexpr std::uint32_t kPanel = 64;

    /// Throws Error(Machine) where oneDNN has no kernel.
    PackedLayout(Element element, std::uint32_t columns, std::uint32_t depth);

    [[nodiscard]] std::size_t bytes() const;
    [[nodiscard]] std::uint32_t columns() const { return columns_; }
    [[nodiscard]] std::uint32_t depth() const { return depth_; }
    /// Floats between two columns of a panel that is to be packed: odd multiples of a cache line, so that a panel's
    /// columns do not fall into the same cache sets.
    [[nodiscard]] std::size_t panel_stride() const { return (depth_ + 15) / 16 * 16 + 16; }

    /// Packs columns [first, first + count) from `panel` ([count][panel_stride()] floats); `first` is a multiple of
    /// kPanel and `count` kPanel or what is left.
    void pack(const float * panel, std::uint32_t first, std::uint32_t count, void * packed) const;

    struct Impl;
    [[nodiscard]] const Impl & impl() const { return *impl_; }

private:
    std::uint32_t columns_;
    std::uint32_t depth_;
    std::shared_ptr<const Impl> impl_;
};

/// out [rows][columns] float32 = (out +) input [rows][depth] . weights (+ bias), on the calling thread alone.
/// Immutable once made; several threads may run() it at the same time, each with a scratch of its own.
class Gemm {
public:
    enum class Mode { Store, Accumulate };

    Gemm(Element element, Mode mode, bool bias, std::uint32_t rows, const PackedLayout & layout);

    [[nodiscard]] std::size_t scratch_bytes() const;
    /// `bias` [columns] floats, null without one; `scratch` aligned to 64 bytes.
    void run(const void * input, const void * weights, const float * bias, float * out, std::byte * scratch) const;

    struct Impl;

private:
    std::shared_ptr<const Impl> impl_;
};

}  // namespace snapkv::product

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "ggml.h"

namespace snapkv::product {

/// What the operands of a dense product are made of; results are float32.
enum class Element {
    F32,
    BF16,
    I8,  ///< eight-bit integers with a scale for each block of 32 along the depth, as ggml's own products round most
         ///< inputs; weights of types that are no integers with a scale (and an offset) for each 32 are rounded so too
};

/// A block of a row of inputs in Element::I8. Processors multiply unsigned with signed bytes, so weights are stored as
/// w + 128, or as w and something less; `start` takes that out again.
struct Int8Block {
    static constexpr std::uint32_t kSize = 32;
    float scale = 0;
    float sum = 0;                            ///< of the values, times the scale: what a column's offset multiplies
    std::int32_t start = 0;                   ///< -128 times the sum of the values
    std::array<std::int8_t, kSize> values{};  ///< from -127 to 127
};

/// Bytes of `count` elements; of whole blocks where the element is I8.
[[nodiscard]] constexpr std::size_t bytes_of(Element element, std::size_t count) {
    switch (element) {
        case Element::F32:
            return count * 4;
        case Element::BF16:
            return count * 2;
        case Element::I8:
            return count / Int8Block::kSize * sizeof(Int8Block);
    }
    return 0;
}

/// Can products of this element run well here? F32: a build with oneDNN and a processor with AVX2; BF16: oneDNN and a
/// processor that multiplies bfloat16; I8: a processor with AVX2.
[[nodiscard]] bool gemm_available(Element element);
/// Are products of floats faster here than those of eight-bit integers? With AMX, beside which nothing else pays, and
/// with AVX-512 that multiplies no bytes: there, floats have vectors twice as long.
[[nodiscard]] bool gemm_floats_are_fastest();

/// Is a row's result the same, bit for bit, whatever other rows are multiplied in the same call? Not with oneDNN's
/// products for less than AVX-512: they sum in an order of their own for each number of rows.
[[nodiscard]] bool gemm_rows_are_independent(Element element);

/// One matrix of weights [columns][depth] in the layout that its products want: the size it takes, and how rows get
/// there. Immutable; safe for several threads.
class PackedLayout {
public:
    /// Columns that pack() takes at a time, save for the last of a matrix.
    static constexpr std::uint32_t kPanel = 64;

    /// For weights that are stored as `stored`. `depth` is a multiple of 32 for I8. Throws Error(Machine) where there
    /// is no kernel.
    PackedLayout(Element element, std::uint32_t columns, std::uint32_t depth, ggml_type stored = GGML_TYPE_F32);

    [[nodiscard]] std::size_t bytes() const { return impl_->bytes(); }
    [[nodiscard]] std::uint32_t columns() const { return columns_; }
    [[nodiscard]] std::uint32_t depth() const { return depth_; }
    [[nodiscard]] ggml_type stored() const { return stored_; }
    /// Floats between two columns of a panel that is to be packed: odd multiples of a cache line, so that a panel's
    /// columns do not fall into the same cache sets.
    [[nodiscard]] std::size_t panel_stride() const { return (depth_ + 15) / 16 * 16 + 16; }

    /// Packs columns [first, first + count) from `panel` ([count][panel_stride()] floats), unless pack_stored() does;
    /// `first` is a multiple of kPanel and `count` kPanel or what is left.
    void pack(const float * panel, std::uint32_t first, std::uint32_t count, void * packed) const {
        impl_->pack(panel, panel_stride(), first, count, packed);
    }

    /// Rows as they are stored, and bytes from one to the next.
    struct Rows {
        const std::byte * data = nullptr;
        std::size_t stride = 0;
    };
    /// The same straight from the rows, the first that of column `first`; does nothing and returns false where this
    /// layout cannot take their type without floats between.
    [[nodiscard]] bool pack_stored(const Rows & rows, std::uint32_t first, std::uint32_t count, void * packed) const {
        return impl_->pack_stored(rows, first, count, packed);
    }

    struct Impl {
        virtual ~Impl() = default;
        [[nodiscard]] virtual std::size_t bytes() const = 0;
        virtual void pack(const float * panel, std::size_t stride, std::uint32_t first, std::uint32_t count,
                          void * packed) const = 0;
        virtual bool pack_stored(const Rows & /*rows*/, std::uint32_t /*first*/, std::uint32_t /*count*/,
                                 void * /*packed*/) const {
            return false;
        }
    };
    [[nodiscard]] const Impl & impl() const { return *impl_; }

private:
    std::uint32_t columns_;
    std::uint32_t depth_;
    ggml_type stored_;
    std::shared_ptr<const Impl> impl_;
};

/// out [rows][columns] float32 = (out +) input [rows][depth] . weights (+ bias), on the calling thread alone.
/// Immutable once made; several threads may run() it at the same time, each with a scratch of its own.
class Gemm {
public:
    enum class Mode { Store, Accumulate };

    Gemm(Element element, Mode mode, bool bias, std::uint32_t rows, const PackedLayout & layout);

    [[nodiscard]] std::size_t scratch_bytes() const { return impl_->scratch_bytes(); }
    /// `bias` [columns] floats, null without one; `weights` and `scratch` aligned to 64 bytes.
    void run(const void * input, const void * weights, const float * bias, float * out, std::byte * scratch) const {
        impl_->run(input, weights, bias, out, scratch);
    }

    struct Impl {
        virtual ~Impl() = default;
        [[nodiscard]] virtual std::size_t scratch_bytes() const = 0;
        virtual void run(const void * input, const void * weights, const float * bias, float * out,
                         std::byte * scratch) const = 0;
    };

private:
    std::shared_ptr<const Impl> impl_;
};

}  // namespace snapkv::product

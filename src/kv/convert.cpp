#include "kv/convert.h"

#include <cassert>
#include <cstring>
#include <vector>

#include "kv/kept_rows.h"
#include "kv/rotate.h"
#include "kv/row_codec.h"

namespace snapkv::kv {

namespace {

/// Rows of one size from one type to another.
class Converter {
public:
    /// `stretch`: of what is rotated together in the rows that are written.
    Converter(std::size_t size, KvType from, KvType to, std::size_t stretch)
        : size_(size), from_(from), to_(to), stretch_(stretch), row_(size) {
        assert(!is_quantised(from) || from == to);
    }

    void operator()(const std::byte * from, std::byte * to) {
        if (from_ == to_) {
            std::memcpy(to, from, kv_row_bytes(to_, size_));
            return;
        }
        decode_row(from, size_, from_, kUnrotated, row_.data());
        encode_row(row_.data(), size_, to_, stretch_, to);
    }

private:
    std::size_t size_;
    KvType from_;
    KvType to_;
    std::size_t stretch_;
    std::vector<float> row_;
};

/// Copies rows of views to rows of one head.
class HeadConverter {
public:
    HeadConverter(const LayerShape & from, LayerRows & to, std::uint32_t head)
        : from_(from),
          to_(to),
          head_(head),
          keys_(from.key_size, from.type.key, to.shape().type.key, key_rotation(to.shape())),
          values_(from.value_size, from.type.value, to.shape().type.value, value_rotation(to.shape())) {}

    void operator()(std::uint32_t row, const HeadRows & view, std::uint32_t at) {
        keys_(view.keys + at * from_.key_bytes(), to_.key_row(head_, row));
        if (!from_.values_in_keys) {
            values_(view.values + at * from_.value_bytes(), to_.value_row(head_, row));
        }
    }

private:
    const LayerShape & from_;
    LayerRows & to_;
    std::uint32_t head_;
    Converter keys_;
    Converter values_;
};

}  // namespace

void convert_rows(const LayerShape & from, std::span<const HeadRows> views, std::span<const Position> kept,
                  LayerRows & to, std::uint32_t head) {
    HeadConverter convert(from, to, head);
    for_kept_rows(views, kept,
                  [&](std::uint32_t row, const HeadRows & view, std::uint32_t at) { convert(row, view, at); });
}

void convert_rows(const LayerShape & from, std::span<const HeadRows> views, LayerRows & to, std::uint32_t head) {
    HeadConverter convert(from, to, head);
    std::uint32_t row = 0;
    for (const HeadRows & view : views) {
        for (std::uint32_t at = 0; at < view.rows; ++at) {
            convert(row++, view, at);
        }
    }
}

}  // namespace snapkv::kv

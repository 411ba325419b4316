#include "attention/store.h"

#include <algorithm>

#include "kv/rotate.h"
#include "kv/row_codec.h"

namespace snapkv::attention {

namespace {

/// The share [begin, end) of `count` rows that one thread takes.
struct Share {
    std::uint32_t begin;
    std::uint32_t end;
};
Share share_of(std::uint32_t count, int thread, int threads) {
    const auto cut = [&](int index) {
        return static_cast<std::uint32_t>(std::uint64_t{count} * static_cast<std::uint64_t>(index) /
                                          static_cast<std::uint64_t>(threads));
    };
    return {cut(thread), cut(thread + 1)};
}

}  // namespace

void store_rows(const LayerUnit & unit, const float * keys, const float * values, int thread, int threads) {
    const kv::LayerShape & shape = unit.shape;
    for (const StoreSpan & span : unit.stores) {
        const Share share = share_of(span.count, thread, threads);
        for (std::uint32_t row = share.begin; row < share.end; ++row) {
            for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
                const std::size_t source = std::size_t{span.row + row} * shape.kv_heads + head;
                kv::encode_row(keys + source * shape.key_size, shape.key_size, shape.type.key, kv::key_rotation(shape),
                               span.keys + head * span.key_head_stride + row * shape.key_bytes());
                if (!shape.values_in_keys) {
                    kv::encode_row(values + source * shape.value_size, shape.value_size, shape.type.value,
                                   kv::value_rotation(shape),
                                   span.values + head * span.value_head_stride + row * shape.value_bytes());
                }
            }
        }
    }
}

void capture_rows(const LayerUnit & unit, const float * q, int thread, int threads) {
    const std::size_t size = std::size_t{unit.spec.heads} * unit.spec.key_size;
    for (const CaptureSpan & span : unit.captures) {
        const Share share = share_of(span.count, thread, threads);
        std::copy(q + (span.row + share.begin) * size, q + (span.row + share.end) * size,
                  span.queries + share.begin * size);
    }
}

}  // namespace snapkv::attention

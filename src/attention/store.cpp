#include "attention/store.h"

#include <algorithm>
#include <cstring>

#include "ggml-cpu.h"

namespace snapkv::attention {

namespace {

void store_elements(const float * from, std::byte * to, std::size_t count, KvType type) {
    const auto elements = static_cast<std::int64_t>(count);
    switch (type) {
        case KvType::F32:
            std::memcpy(to, from, count * sizeof(float));
            break;
        case KvType::F16:
            ggml_cpu_fp32_to_fp16(from, reinterpret_cast<ggml_fp16_t *>(to), elements);
            break;
        case KvType::BF16:
            ggml_cpu_fp32_to_bf16(from, reinterpret_cast<ggml_bf16_t *>(to), elements);
            break;
    }
}

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
                store_elements(keys + source * shape.key_size,
                               span.keys + head * span.key_head_stride + row * shape.key_bytes(), shape.key_size,
                               shape.type);
                store_elements(values + source * shape.value_size,
                               span.values + head * span.value_head_stride + row * shape.value_bytes(),
                               shape.value_size, shape.type);
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

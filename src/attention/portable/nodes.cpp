#include "attention/portable/nodes.h"

#include <algorithm>
#include <utility>

#include "kv/rotate.h"
#include "kv/row_codec.h"

namespace snapkv::attention::portable {

namespace {

constexpr std::uint16_t kHidden = 0xFC00;  // float16: minus infinity
constexpr std::uint16_t kVisible = 0;

/// The share [begin, end) of `count` things that one thread takes.
std::pair<std::size_t, std::size_t> share_of(std::size_t count, int thread, int threads) {
    const auto index = static_cast<std::size_t>(thread);
    const auto parts = static_cast<std::size_t>(threads);
    return {count * index / parts, count * (index + 1) / parts};
}

/// How keys or values are stored.
struct Stored {
    KvType type;
    std::size_t size;      ///< elements of a row
    std::size_t stride;    ///< bytes from row to row
    std::size_t rotation;  ///< elements that are rotated together
};

/// Rows from where `rows_of` says a view has them.
template <typename RowsOf>
void gather(const HeadBlock & block, const Stored & stored, float * to, int thread, int threads,
            const RowsOf & rows_of) {
    for (const Piece & piece : block.pieces) {
        const auto [begin, end] = share_of(piece.rows(), thread, threads);
        for (std::size_t row = begin; row < end; ++row) {
            kv::decode_row(rows_of(piece.view) + (piece.begin + row) * stored.stride, stored.size, stored.type,
                           stored.rotation, to + row * stored.size);
        }
        to += piece.rows() * stored.size;
    }
}

template <typename Value>
void fill_tree(const AttentionSpec & spec, const QueryBlock & queries, std::uint32_t query, const Piece & piece,
               std::uint16_t * to, const Value & value) {
    for (std::uint32_t token = piece.begin; token < piece.end; ++token) {
        if (const auto distance = distance_in_tree(spec, queries, query, token)) {
            to[token - piece.begin] = value(*distance);
        }
    }
}

/// value(distance) for each row that a query sees.
template <typename Value>
void fill(const AttentionSpec & spec, const HeadBlock & block, std::uint16_t * mask, int thread, int threads,
          const Value & value) {
    const auto [first, last] = share_of(block.queries.count, thread, threads);
    for (std::size_t query = first; query < last; ++query) {
        const auto index = static_cast<std::uint32_t>(query);
        const Position position = block.queries.position(index);
        std::uint16_t * to = mask + query * block.rows;
        std::fill_n(to, block.rows, kHidden);
        for (const Piece & piece : block.pieces) {
            if (piece.of_tree) {
                fill_tree(spec, block.queries, index, piece, to, value);
            } else {
                const Piece seen = visible(spec, piece.view, position);
                const std::uint32_t begin = std::clamp(seen.begin, piece.begin, piece.end);
                const std::uint32_t end = std::clamp(seen.end, begin, piece.end);
                for (std::uint32_t row = begin; row < end; ++row) {
                    to[row - piece.begin] = value(index_of(position) - index_of(piece.view.position(row)));
                }
            }
            to += piece.rows();
        }
    }
}

}  // namespace

void fill_mask(const AttentionSpec & spec, const HeadBlock & block, std::uint16_t * mask, int thread, int threads) {
    fill(spec, block, mask, thread, threads, [](std::uint32_t) { return kVisible; });
}

void fill_distances(const AttentionSpec & spec, const HeadBlock & block, std::uint16_t * mask, int thread,
                    int threads) {
    fill(spec, block, mask, thread, threads,
         [](std::uint32_t distance) { return ggml_fp32_to_fp16(-static_cast<float>(distance)); });
}

void gather_keys(const kv::LayerShape & shape, const HeadBlock & block, float * to, int thread, int threads) {
    gather(block, {shape.type.key, shape.key_size, shape.key_bytes(), kv::key_rotation(shape)}, to, thread, threads,
           [](const kv::HeadRows & view) { return view.keys; });
}

void gather_values(const kv::LayerShape & shape, const HeadBlock & block, float * to, int thread, int threads) {
    gather(block, {shape.type.value, shape.value_size, shape.value_stride(), kv::value_rotation(shape)}, to, thread,
           threads, [](const kv::HeadRows & view) { return view.values; });
}

void place_rows(const AttentionSpec & spec, const Place & place, const float * from, float * out, int thread,
                int threads) {
    const std::size_t count = std::size_t{place.heads} * spec.value_size;
    const auto [begin, end] = share_of(place.count, thread, threads);
    for (std::size_t row = begin; row < end; ++row) {
        const std::size_t to = ((place.row + row) * spec.heads + place.head) * spec.value_size;
        std::copy_n(from + row * count, count, out + to);
    }
}

void fill_zeros(float * to, std::size_t count, int thread, int threads) {
    const auto [begin, end] = share_of(count, thread, threads);
    std::fill(to + begin, to + end, 0.0F);
}

}  // namespace snapkv::attention::portable

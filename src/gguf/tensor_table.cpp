#include "gguf/tensor_table.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <unordered_set>

#include "base/raise.h"
#include "gguf/in_quotes.h"

namespace snapkv::gguf {
namespace {

// Sums of so many tensors, each within this size, cannot overflow 64 bits.
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 48U;

void read_shape(Cursor & cursor, TensorInfo & tensor) {
    const auto dimensions = cursor.integer<std::uint32_t>();
    if (dimensions > tensor.ne.size()) {
        raise_input("{}: {} has {} dimensions, expected at most {}", cursor.path(), cursor.place(), dimensions,
                    tensor.ne.size());
    }
    for (std::uint32_t i = 0; i < dimensions; ++i) {
        tensor.ne[i] = cursor.integer<std::int64_t>();
        if (tensor.ne[i] <= 0) {
            raise_input("{}: {} has {} elements in dimension {}, expected 1 or more", cursor.path(), cursor.place(),
                        tensor.ne[i], i);
        }
    }
}

void read_type(Cursor & cursor, TensorInfo & tensor) {
    const auto number = cursor.integer<std::uint32_t>();
    // Numbers of types that were given up have a block size of 0.
    if (number >= GGML_TYPE_COUNT || ggml_blck_size(static_cast<ggml_type>(number)) == 0) {
        raise_input("{}: {} has the unknown type {}", cursor.path(), cursor.place(), number);
    }
    tensor.type = static_cast<ggml_type>(number);
}

void set_bytes(const Cursor & cursor, TensorInfo & tensor) {
    const std::int64_t block = ggml_blck_size(tensor.type);
    if (tensor.ne[0] % block != 0) {
        raise_input("{}: {} has rows of {} elements, expected a multiple of {} for its type {}", cursor.path(),
                    cursor.place(), tensor.ne[0], block, ggml_type_name(tensor.type));
    }
    tensor.bytes = ggml_type_size(tensor.type);
    for (std::size_t i = 0; i < tensor.ne.size(); ++i) {
        const auto factor = static_cast<std::uint64_t>(i == 0 ? tensor.ne[0] / block : tensor.ne[i]);
        if (factor > most_bytes / tensor.bytes) {
            raise_input("{}: {} has the impossible shape [{}]", cursor.path(), cursor.place(),
                        fmt::join(tensor.ne, ", "));
        }
        tensor.bytes *= factor;
    }
}

std::uint64_t padded(std::uint64_t offset, std::uint64_t alignment) {
    return (offset + alignment - 1) / alignment * alignment;
}

void check_end(const Cursor & cursor, const std::vector<TensorInfo> & tensors) {
    if (tensors.empty()) {
        return;
    }
    const std::uint64_t needed = tensors.back().offset + tensors.back().bytes;
    if (needed > cursor.size()) {
        const auto first = std::ranges::find_if(
            tensors, [&](const TensorInfo & tensor) { return tensor.offset + tensor.bytes > cursor.size(); });
        raise_input("{}: cut short: needs {} bytes, has {}; the first incomplete tensor is {}", cursor.path(), needed,
                    cursor.size(), in_quotes(first->name));
    }
}

}  // namespace

std::vector<TensorInfo> read_tensor_table(Cursor & cursor, std::uint64_t count, std::uint64_t alignment) {
    if (count > most_tensors) {
        raise_input("{}: the header says there are {} tensors, expected at most {}", cursor.path(), count,
                    most_tensors);
    }
    std::vector<TensorInfo> tensors;
    std::unordered_set<std::string_view> names;
    std::uint64_t next = 0;  // from the beginning of the data, as the table counts
    for (std::uint64_t i = 1; i <= count; ++i) {
        cursor.enter("tensor", i);
        const std::string_view name = cursor.name(GGML_MAX_NAME - 1);
        if (!names.insert(name).second) {
            raise_input("{}: {} occurs twice", cursor.path(), cursor.place());
        }
        TensorInfo & tensor = tensors.emplace_back();
        tensor.name = name;
        read_shape(cursor, tensor);
        read_type(cursor, tensor);
        set_bytes(cursor, tensor);
        tensor.offset = cursor.integer<std::uint64_t>();
        if (tensor.offset != next) {
            raise_input("{}: {} lies at offset {} of the data, expected {}", cursor.path(), cursor.place(),
                        tensor.offset, next);
        }
        next = padded(next + tensor.bytes, alignment);
    }
    const std::uint64_t data = padded(cursor.offset(), alignment);
    for (TensorInfo & tensor : tensors) {
        tensor.offset += data;
    }
    check_end(cursor, tensors);
    return tensors;
}

}  // namespace snapkv::gguf

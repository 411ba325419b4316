#include "fuzz/gguf_pieces.h"

#include <algorithm>
#include <span>

#include "gguf/metadata.h"
#include "gguf/tensor_table.h"
#include "gguf/values.h"
#include "gguf/writer.h"

namespace snapkv::test {
namespace {

KeyPiece piece_of(std::string_view key, const gguf::Value & value) {
    KeyPiece piece{std::string(key), static_cast<std::uint32_t>(value.type), value.is_array, {}};
    if (value.type == GGUF_TYPE_STRING) {
        gguf::Value as_array = value;
        as_array.is_array = true;
        piece.elements = gguf::strings_of(as_array).value();
    } else if (value.count > 0) {
        const std::size_t size = value.data.size() / value.count;
        for (std::size_t at = 0; at < value.data.size(); at += size) {
            piece.elements.emplace_back(reinterpret_cast<const char *>(&value.data[at]), size);
        }
    }
    return piece;
}

TensorPiece piece_of(const gguf::TensorInfo & tensor, std::string_view file) {
    TensorPiece piece{tensor.name, {tensor.ne.begin(), tensor.ne.end()}, static_cast<std::uint32_t>(tensor.type), {}};
    while (piece.shape.size() > 1 && piece.shape.back() == 1) {
        piece.shape.pop_back();
    }
    piece.data = file.substr(tensor.offset, tensor.bytes);
    return piece;
}

}  // namespace

Pieces Pieces::of(std::string_view file) {
    constexpr std::size_t counts_at = 8;
    const std::string no_path;
    gguf::Cursor cursor(std::as_bytes(std::span(file)), no_path);
    cursor.take(counts_at, 1);
    const auto tensors = cursor.integer<std::uint64_t>();
    const gguf::Metadata metadata = gguf::read_metadata(cursor, cursor.integer<std::uint64_t>());
    Pieces pieces;
    for (const auto & [key, value] : metadata) {
        pieces.keys.push_back(piece_of(key, value));
    }
    std::ranges::sort(pieces.keys, {}, &KeyPiece::key);
    pieces.alignment = gguf::alignment_of(metadata, no_path);
    for (const gguf::TensorInfo & tensor : gguf::read_tensor_table(cursor, tensors, pieces.alignment)) {
        pieces.tensors.push_back(piece_of(tensor, file));
    }
    return pieces;
}

std::string Pieces::file() const {
    Writer writer;
    writer.alignment = alignment;
    for (const KeyPiece & piece : keys) {
        Bytes bytes;
        if (piece.is_array) {
            bytes.number(piece.type).number<std::uint64_t>(piece.elements.size());
        }
        for (const std::string & element : piece.elements) {
            piece.type == GGUF_TYPE_STRING ? bytes.string(element) : bytes.raw(element);
        }
        writer.raw(piece.key, piece.is_array ? static_cast<std::uint32_t>(GGUF_TYPE_ARRAY) : piece.type, bytes);
    }
    for (const TensorPiece & piece : tensors) {
        writer.tensor(piece.name, piece.shape, piece.type, piece.data);
    }
    return writer.bytes();
}

}  // namespace snapkv::test

#include "run/document_file.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

#include "base/raise.h"
#include "run/checksum.h"
#include "run/envelope.h"
#include "run/layer_shape.h"
#include "run/saved_fields.h"
#include "run/saved_reader.h"
#include "run/saved_writer.h"
#include "snapkv/error.h"

namespace snapkv::run {

namespace {

/// The line break within it shows up a transfer that took the file for text.
constexpr std::array<char, 8> kMagic{'S', 'N', 'A', 'P', 'D', 'O', 'C', '\n'};
constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kAlignment = 64;

std::uint64_t aligned(std::uint64_t offset) {
    return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

/// Where the layers lie, one after another: that follows from the tokens, the shapes and the model.
std::vector<DocumentPlace> layer_places(const DocumentHeader & header, const model::HyperParameters & params,
                                        std::uint64_t header_bytes) {
    const std::vector<std::size_t> floats = state_floats(params);
    const auto tokens = static_cast<std::uint32_t>(header.tokens.size());
    std::vector<DocumentPlace> places;
    std::uint64_t offset = sizeof(Envelope) + header_bytes;
    for (std::uint32_t layer = 0; layer < header.shapes.size(); ++layer) {
        const kv::LayerShape & shape = header.shapes[layer];
        const std::uint32_t first = first_held(params, layer, tokens);
        const std::uint64_t rows = std::uint64_t{tokens - first} * shape.kv_heads;
        places.push_back({first, aligned(offset), rows * shape.row_bytes() + floats[layer] * sizeof(float)});
        offset = places.back().offset + places.back().size;
    }
    return places;
}

std::vector<std::byte> encode(const SavedModel & model, const DocumentHeader & header) {
    std::vector<std::byte> bytes;
    const ByteSink sink = [&](std::span<const std::byte> piece) {
        bytes.insert(bytes.end(), piece.begin(), piece.end());
    };
    SavedWriter out(sink);
    write_model(out, model, header.shapes);
    out.choice("type of rows", header.type, kv_type_names);
    out.number("tokens", static_cast<std::uint32_t>(header.tokens.size()));
    out.array(std::span<const Token>(header.tokens));
    out.array(std::span<const std::uint64_t>(header.checksums));
    return bytes;
}

DocumentHeader decode(SavedReader & in, const SavedModel & model) {
    DocumentHeader header;
    header.shapes = read_model(in, model);
    in.choice("type of rows", header.type, kv_type_names);
    std::uint32_t tokens = 0;
    in.number("tokens", tokens);
    header.tokens = read_tokens(in, tokens, model.vocabulary);
    header.checksums = in.array<std::uint64_t>("checksums", header.shapes.size());
    in.expect_end();
    return header;
}

}  // namespace

HeldLayer read_held_layer(const kv::LayerShape & shape, std::uint32_t first, std::uint32_t tokens,
                          std::size_t state_floats, kv::Arena & arena,
                          const std::function<void(std::span<std::byte>)> & read) {
    HeldLayer layer;
    layer.rows = kv::RowChain(arena, shape, Position{first}, Position{tokens});
    kv::LayerRows & rows = layer.rows.last();
    rows.set_rows(tokens - first);
    for (std::uint32_t head = 0; head < shape.kv_heads; ++head) {
        read({rows.key_row(head, 0), rows.rows() * shape.key_bytes()});
        read({rows.value_row(head, 0), rows.rows() * shape.value_bytes()});
    }
    if (state_floats > 0) {
        Block state(state_floats * sizeof(float), arena.shared_meter());
        read({state.data(), state.size()});
        layer.state = std::make_shared<const Block>(std::move(state));
    }
    return layer;
}

void write_held_layer(const HeldLayer & layer, const ByteSink & sink) {
    const kv::LayerShape & shape = layer.rows.shape();
    for (const std::vector<kv::HeadRows> & views : layer.rows.views()) {
        for (const kv::HeadRows & view : views) {
            sink(std::span(view.keys, view.rows * shape.key_bytes()));
        }
        for (const kv::HeadRows & view : views) {
            sink(std::span(view.values, view.rows * shape.value_bytes()));
        }
    }
    if (layer.state) {
        sink(std::span(layer.state->data(), layer.state->size()));
    }
}

DocumentWriter::DocumentWriter(const std::filesystem::path & path, const SavedModel & model,
                               const model::HyperParameters & params, std::vector<Token> tokens, KvType type,
                               const Stop & stop)
    : path_(path), model_(model) {
    header_.shapes = model.shapes;
    for (kv::LayerShape & shape : header_.shapes) {
        shape.type = type;
    }
    header_.type = type;
    header_.tokens = std::move(tokens);
    header_.checksums.resize(header_.shapes.size());
    constexpr ::mode_t owner_only = 0600;  // it holds what was read
    try {
        const std::uint64_t header_bytes = encode(model_, header_).size();
        places_ = layer_places(header_, params, header_bytes);
        file_.emplace(path, WholeFileOptions{.mode = owner_only, .stop = stop});
        const std::vector<std::byte> room(sizeof(Envelope) + header_bytes);
        file_->write(room);
        offset_ = room.size();
    } catch (const Error & error) {
        error_ = error.what();
        file_.reset();
    }
}

void DocumentWriter::add_layer(const HeldLayer & layer) {
    if (!file_) {
        return;
    }
    try {
        write_layer(layer);
        if (++next_ == places_.size()) {
            file_->overwrite(0, beginning());
            file_->commit();
            file_.reset();
            committed_ = true;
        }
    } catch (const Error & error) {
        error_ = error.what();
        file_.reset();
    }
}

void DocumentWriter::give_up(const std::string & why) {
    error_ = error_.empty() ? fmt::format("{}: {}", path_.string(), why) : error_;
    file_.reset();
}

void DocumentWriter::write_layer(const HeldLayer & layer) {
    const DocumentPlace & place = places_[next_];
    const std::vector<std::byte> gap(place.offset - offset_);
    file_->write(gap);
    Checksum checksum;
    std::uint64_t written = 0;
    const auto write = [&](std::span<const std::byte> bytes) {
        checksum.add(bytes);
        file_->write(bytes);
        written += bytes.size();
    };
    write_held_layer(layer, write);
    assert(written == place.size);
    header_.checksums[next_] = checksum.value();
    offset_ = place.offset + written;
}

HeldLayer DocumentWriter::given_layer(std::uint32_t index, kv::Arena & arena) {
    const DocumentPlace & place = places_[index];
    std::uint64_t offset = place.offset;
    return read_held_layer(header_.shapes[index], place.first, static_cast<std::uint32_t>(header_.tokens.size()),
                           model_.state_floats[index], arena, [&](std::span<std::byte> to) {
                               file_->read(offset, to);
                               offset += to.size();
                           });
}

std::vector<std::byte> DocumentWriter::beginning() const {
    const std::vector<std::byte> header = encode(model_, header_);
    Checksum checksum;
    checksum.add(header);
    const Envelope envelope{.magic = kMagic, .version = kVersion, .size = header.size(), .checksum = checksum.value()};
    std::vector<std::byte> bytes(sizeof envelope + header.size());
    std::memcpy(bytes.data(), &envelope, sizeof envelope);
    std::copy(header.begin(), header.end(), bytes.begin() + sizeof envelope);
    return bytes;
}

DocumentFile::DocumentFile(const std::filesystem::path & path, const SavedModel & model,
                           const model::HyperParameters & params)
    : file_(path, "a held document"), state_floats_(model.state_floats) {
    const std::string & name = file_.path();
    Envelope envelope;
    if (file_.size() >= sizeof envelope) {
        file_.read(0, std::as_writable_bytes(std::span(&envelope, 1)));
    }
    if (file_.size() < sizeof envelope || envelope.magic != kMagic || envelope.zero != 0) {
        raise_input("{}: not a held document", name);
    }
    if (envelope.version != kVersion) {
        raise_input("{}: a held document of version {}, expected version {}", name, envelope.version, kVersion);
    }
    constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 30U;  // some hundred million tokens
    if (envelope.size > kMostBytes) {
        raise_input("{}: damaged: its beginning has {} bytes, expected at most {}", name, envelope.size, kMostBytes);
    }
    if (envelope.size > file_.size() - sizeof envelope) {
        raise_input("{}: cut short: {} bytes, and its beginning alone has {}", name, file_.size(), envelope.size);
    }
    std::vector<std::byte> bytes(static_cast<std::size_t>(envelope.size));
    file_.read(sizeof envelope, bytes);
    Checksum checksum;
    checksum.add(bytes);
    if (checksum.value() != envelope.checksum) {
        raise_input("{}: altered: the checksum of its beginning is {:016x}, expected {:016x}", name, checksum.value(),
                    envelope.checksum);
    }
    const ByteSource source = bytes_in(bytes);
    SavedReader in(source, name);
    header_ = decode(in, model);
    for (std::uint32_t layer = 0; layer < header_.shapes.size(); ++layer) {
        if (is_quantised(header_.type) || header_.shapes[layer].type != KvTypes(header_.type)) {
            in.refuse("layer {} has no rows of one float type", layer);
        }
    }
    if (header_.tokens.empty()) {
        in.refuse("it holds no token");
    }
    places_ = layer_places(header_, params, envelope.size);
    const DocumentPlace & last = places_.back();
    if (file_.size() != last.offset + last.size) {
        raise_input("{}: {}: {} bytes, expected {}", name,
                    file_.size() < last.offset + last.size ? "cut short" : "altered", file_.size(),
                    last.offset + last.size);
    }
}

HeldLayer DocumentFile::layer(std::uint32_t index, kv::Arena & arena) const {
    const DocumentPlace & place = places_[index];
    Checksum checksum;
    std::uint64_t offset = place.offset;
    HeldLayer layer =
        read_held_layer(header_.shapes[index], place.first, static_cast<std::uint32_t>(header_.tokens.size()),
                        state_floats_[index], arena, [&](std::span<std::byte> to) {
                            file_.read(offset, to);
                            checksum.add(to);
                            offset += to.size();
                        });
    if (checksum.value() != header_.checksums[index]) {
        raise_input("{}: altered: the checksum of layer {} is {:016x}, expected {:016x}", file_.path(), index,
                    checksum.value(), header_.checksums[index]);
    }
    return layer;
}

}  // namespace snapkv::run

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/whole_file.h"
#include "model/hyper_parameters.h"
#include "run/input_file.h"
#include "run/row_source.h"
#include "run/saved_codec.h"

namespace snapkv::run {

// A document's rows in a file, each layer with a checksum of its own, so that one can be read without the others;
// docs/formats.md gives the bytes.

/// What stands at the beginning of a document's file.
struct DocumentHeader {
    std::vector<kv::LayerShape> shapes;
    KvType type = KvType::F16;
    std::vector<Token> tokens;
    std::vector<std::uint64_t> checksums;  ///< XXH3 of each layer's bytes
};

/// Where one layer lies in the file.
struct DocumentPlace {
    std::uint32_t first = 0;   ///< position of the first row
    std::uint64_t offset = 0;  ///< bytes
    std::uint64_t size = 0;    ///< bytes
};

/// A layer's rows or state as a document's file and a paused prefill's have them: what reads the next bytes fills a
/// layer of `tokens` tokens from position `first` on.
[[nodiscard]] HeldLayer read_held_layer(const kv::LayerShape & shape, std::uint32_t first, std::uint32_t tokens,
                                        std::size_t state_floats, kv::Arena & arena,
                                        const std::function<void(std::span<std::byte>)> & read);
/// Hands out the same bytes.
void write_held_layer(const HeldLayer & layer, const ByteSink & sink);

/// Writes a document layer by layer; the file has its name once the last one is written. What cannot be written is no
/// error of those who write: it is remembered, and nothing more is wanted.
class DocumentWriter final : public RowSink {
public:
    DocumentWriter(const std::filesystem::path & path, const SavedModel & model, const model::HyperParameters & params,
                   std::vector<Token> tokens, KvType type, const Stop & stop = Stop());

    /// Throws WholeFile::Stopped where it is to stop.
    void add_layer(const HeldLayer & layer) override;
    [[nodiscard]] bool open() const override { return file_.has_value(); }
    [[nodiscard]] std::uint32_t given() const override { return file_ ? next_ : 0; }
    [[nodiscard]] HeldLayer given_layer(std::uint32_t index, kv::Arena & arena) override;
    /// There will be no file.
    void give_up(const std::string & why);
    [[nodiscard]] const std::filesystem::path & path() const { return path_; }
    /// The file is complete.
    [[nodiscard]] bool committed() const { return committed_; }
    /// Why it is not, in one line that begins with the path; empty: nothing went wrong.
    [[nodiscard]] const std::string & error() const { return error_; }

private:
    [[nodiscard]] std::vector<std::byte> beginning() const;
    void write_layer(const HeldLayer & layer);

    std::filesystem::path path_;
    SavedModel model_;
    DocumentHeader header_;
    std::vector<DocumentPlace> places_;
    std::optional<WholeFile> file_;
    std::uint64_t offset_ = 0;
    std::uint32_t next_ = 0;  ///< layer
    bool committed_ = false;
    std::string error_;
};

/// A document's file, open. Layers are read when they are asked for, and checked then.
class DocumentFile final : public RowSource {
public:
    /// Reads what stands at the beginning. Throws Error(Input) that begins with the path for what cannot be opened, is
    /// no document of this version, of another model or RoPE setting, or contradicts itself.
    DocumentFile(const std::filesystem::path & path, const SavedModel & model, const model::HyperParameters & params);

    [[nodiscard]] std::span<const Token> tokens() const override { return header_.tokens; }
    [[nodiscard]] KvType type() const override { return header_.type; }
    [[nodiscard]] std::uint32_t layers() const override { return static_cast<std::uint32_t>(places_.size()); }
    /// Throws Error(Input) where the layer is not what was written.
    [[nodiscard]] HeldLayer layer(std::uint32_t index, kv::Arena & arena) const override;
    [[nodiscard]] bool reads() const override { return true; }

private:
    InputFile file_;
    DocumentHeader header_;
    std::vector<DocumentPlace> places_;
    std::vector<std::size_t> state_floats_;
};

}  // namespace snapkv::run

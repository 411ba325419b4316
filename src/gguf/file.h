#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ggml.h"

namespace snapkv::gguf {

/// One tensor, its bounds already checked against the size of the file it lies in.
struct TensorInfo {
    std::string name;
    ggml_type type = GGML_TYPE_F32;
    std::array<std::int64_t, 4> ne{1, 1, 1, 1};
    std::size_t part = 0;      ///< of the model's files
    std::uint64_t offset = 0;  ///< from that file's beginning, bytes
    std::uint64_t bytes = 0;
};

/// One of the files that a model lies in.
struct Part {
    std::filesystem::path path;
    std::span<const std::byte> bytes;  ///< the whole mapping
    std::uint64_t header_bytes = 0;    ///< header, metadata and tensor table
};

/// A GGUF model, in one file or split into several as llama.cpp's gguf-split does: read-only private mappings, parsed
/// and checked as a whole by open(). Nothing in them is trusted: counts, types, sizes and offsets are checked against
/// a file's real size before they are used, so that data() can never reach beyond its mapping. Movable; const members
/// may be called from several threads.
class File {
public:
    /// Of a split model the path names the first part. Throws Error(Input) that begins with the path of the file in
    /// question: no such file, not a GGUF file, cut short (needed and found bytes), a lying count, offset or length
    /// (which key or tensor), parts that are not those of one model.
    static File open(const std::filesystem::path & path);

    File(File &&) noexcept;
    File & operator=(File &&) noexcept;
    ~File();

    [[nodiscard]] const std::filesystem::path & path() const;  ///< of the first part, which has the keys
    [[nodiscard]] std::span<const Part> parts() const;         ///< one where the model is not split

    [[nodiscard]] bool has(std::string_view key) const;
    /// The stored kind: "u32", "str", "arr[str]"; empty where there is no such key.
    [[nodiscard]] std::string kind(std::string_view key) const;
    // Typed getters. get_*: Error(Input) naming path, key, what was found and what was expected where the key is
    // missing or of another kind (any integer type that holds the value is taken for u32, f32 also takes f64).
    // find_*: nothing where the key is missing, the same error where it is of another kind.
    [[nodiscard]] std::uint32_t get_u32(std::string_view key) const;
    [[nodiscard]] float get_f32(std::string_view key) const;
    [[nodiscard]] std::string get_string(std::string_view key) const;
    [[nodiscard]] std::optional<std::uint32_t> find_u32(std::string_view key) const;
    [[nodiscard]] std::optional<float> find_f32(std::string_view key) const;
    [[nodiscard]] std::optional<bool> find_bool(std::string_view key) const;
    [[nodiscard]] std::optional<std::string> find_string(std::string_view key) const;
    /// An array of integers (any type, values must fit int64) or of flags (0 and 1), or a single integer as an array
    /// of one.
    [[nodiscard]] std::optional<std::vector<std::int64_t>> find_integers(std::string_view key) const;
    [[nodiscard]] std::optional<std::vector<std::string>> find_strings(std::string_view key) const;
    [[nodiscard]] std::optional<std::size_t> array_length(std::string_view key) const;

    [[nodiscard]] const std::vector<TensorInfo> & tensors() const;              ///< of all parts, in their order
    [[nodiscard]] const TensorInfo * find_tensor(std::string_view name) const;  ///< null where there is none
    [[nodiscard]] const std::filesystem::path & path_of(const TensorInfo & tensor) const;  ///< of its part
    [[nodiscard]] std::span<const std::byte> data(const TensorInfo & tensor) const;

private:
    struct Impl;
    explicit File(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

/// Throws Error(Input) naming the key where libllama would abort or read out of bounds on this vocabulary: missing or
/// mistyped tokenizer keys, arrays of unequal length, duplicate tokens, special ids out of range, add_bos or add_eos
/// without the token, an unknown tokenizer or pre-tokenizer.
void check_vocabulary(const File & file);

/// SHA-256 of each part's header, metadata, tensor table, size and the first and last 4 KiB of each of its tensors:
/// names the model in saved caches without reading it whole.
std::array<std::uint8_t, 32> identity(const File & file);

}  // namespace snapkv::gguf

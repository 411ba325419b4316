#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gguf.h"
#include "snapkv/tools/written_model.h"
#include "snapkv/whole_file.h"

namespace snapkv::synthetic {

/// Writes a GGUF model piece by piece: keys are set and tensors listed, begin() writes the header, then each tensor's
/// bytes follow in the order of the list. The file appears with commit() or not at all. All but keys() and add() throw
/// Error(Machine) where it cannot be written.
class ModelWriter {
public:
    using Progress = std::function<void(std::uint64_t, std::uint64_t)>;

    /// `stop` (may be null) and `progress` (may be empty; bytes written, bytes in all) must outlive the writer.
    ModelWriter(const std::atomic<bool> * stop, const Progress & progress);

    [[nodiscard]] gguf_context * keys() { return file_.get(); }
    /// `columns` is the length of a row; a tensor of 1 row is a vector, one of several matrices has three dimensions.
    void add(const std::string & name, ggml_type type, std::uint32_t columns, std::uint32_t rows,
             std::uint32_t matrices = 1);

    void begin(const std::filesystem::path & path);
    void put(std::span<const std::byte> bytes);
    void end_tensor();  ///< fills up to where the next one begins

    /// Whether the stop flag is set, now or at any earlier call.
    [[nodiscard]] bool stopped();

    /// Ends the file, unless it was stopped.
    WrittenModel commit();

private:
    struct Free {
        void operator()(gguf_context * file) const { gguf_free(file); }
        void operator()(ggml_context * tensors) const { ggml_free(tensors); }
    };
    struct Listed {
        std::string name;
        ggml_type type;
        std::uint32_t columns;
        std::uint32_t rows;
        std::uint32_t matrices;
    };
    void list_tensors();

    const std::atomic<bool> * stop_;
    const Progress & progress_;
    std::unique_ptr<gguf_context, Free> file_;
    std::unique_ptr<ggml_context, Free> tensors_;
    std::vector<Listed> listed_;
    std::optional<WholeFileWriter> output_;
    WrittenModel result_;
    std::uint64_t total_ = 0;
};

}  // namespace snapkv::synthetic

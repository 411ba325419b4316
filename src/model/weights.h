#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ggml-backend.h"
#include "gguf/file.h"

namespace snapkv::model {

struct FreeContext {
    void operator()(ggml_context * ctx) const { ggml_free(ctx); }
};
struct FreeBuffer {
    void operator()(ggml_backend_buffer * buffer) const { ggml_backend_buffer_free(buffer); }
};
using ContextPtr = std::unique_ptr<ggml_context, FreeContext>;
using BufferPtr = std::unique_ptr<ggml_backend_buffer, FreeBuffer>;

/// What the names of a layer's tensors begin with.
[[nodiscard]] std::string layer_prefix(std::uint32_t layer);

/// A model file's tensors as ggml tensors, each on the fastest CPU buffer type that serves it: repacked copies where
/// ggml has a layout for the type, else the mapping itself. Holds a reference to the file. Immutable after finish().
class Weights {
public:
    /// What the graph does with a tensor; decides which buffer types serve.
    enum class Use {
        Multiply,      ///< first operand of a matrix product
        MultiplyEach,  ///< the same, of several matrices in one tensor: those of experts or of heads
        Lookup,        ///< rows are fetched
        Elements,      ///< norms, biases, factors: float32
    };

    explicit Weights(const gguf::File & file);

    [[nodiscard]] bool has(const std::string & name) const { return file_.find_tensor(name) != nullptr; }
    /// Takes the tensor of that name. Throws Error(Input) where it is missing, of another shape, or of a type that
    /// ggml cannot use so; says expected and found.
    ggml_tensor * require(const std::string & name, std::initializer_list<std::int64_t> shape, Use use);
    /// The same, null where it is missing.
    ggml_tensor * optional(const std::string & name, std::initializer_list<std::int64_t> shape, Use use);

    /// Counts tensors whose names begin so as taken.
    void ignore(std::string_view prefix);

    /// Places and fills what was taken. Throws Error(Input) for tensors in the file that nobody took: they would
    /// change what the model computes. `log` receives a line for each buffer type; `placed` is called with the
    /// bytes of tensors that are ready, and may throw.
    void finish(const std::function<void(std::string_view)> & log,
                const std::function<void(std::uint64_t)> & placed = {});

    /// Gives the mapped pages of all of a layer's tensors back to the system; they are read again from the file when
    /// next used.
    void release_layer(std::uint32_t layer) const;

    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }              ///< of all tensors taken
    [[nodiscard]] std::uint64_t repacked_bytes() const { return repacked_; }  ///< of those that are copies

private:
    struct Placed {
        const gguf::TensorInfo * info;
        ggml_tensor * tensor;
    };
    struct Group {
        ContextPtr ctx;
        std::vector<Placed> tensors;
        std::uint64_t bytes = 0;
    };
    /// Has every prefill products of its own that read the rows as they lie in the file?
    [[nodiscard]] static bool prefills_from_rows(const gguf::File & file);
    [[nodiscard]] ggml_backend_buffer_type_t choose(const gguf::TensorInfo & info, Use use) const;
    void fill(ggml_backend_buffer_type_t type, Group & group, const std::function<void(std::uint64_t)> & placed);
    void map(const Group & group);

    const gguf::File & file_;
    std::vector<ggml_backend_buffer_type_t> extra_types_;
    std::map<ggml_backend_buffer_type_t, Group> groups_;  ///< null: the mapping
    std::vector<BufferPtr> buffers_;
    std::unordered_map<std::string, ggml_tensor *> taken_;  ///< by name; null where only copies were taken
    std::uint64_t bytes_ = 0;
    std::uint64_t repacked_ = 0;
};

}  // namespace snapkv::model

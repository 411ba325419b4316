#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ggml.h"
#include "gguf.h"
#include "support/temporary_folder.h"

namespace snapkv::test {

/// What a tiny model of the llama architecture looks like.
struct TinyShape {
    std::uint32_t layers = 3;
    std::uint32_t heads = 4;
    std::uint32_t kv_heads = 2;
    std::uint32_t key_size = 16;
    std::uint32_t value_size = 16;
    std::uint32_t width = 64;
    std::uint32_t feed_forward = 96;
    std::uint32_t context = 4096;
    ggml_type type = GGML_TYPE_F32;  ///< of the matrices: F32 or F16
    bool tied = false;               ///< the embeddings serve as output
    bool biases = false;
    bool adds_bos = false;
    float rope_base = 10000;
    std::optional<std::string> rope_scaling = {};  ///< the file's key of that name
    float rope_factor = 1;
    bool rope_factors = false;  ///< a tensor of factors, one a pair of dimensions
    float sharpness = 1.5F;     ///< scale of queries and keys: the larger, the more peaked is attention
    std::uint32_t seed = 1;
};

struct TinyTensor {
    std::vector<std::int64_t> shape;  ///< the fastest first
    ggml_type type = GGML_TYPE_F32;
    std::vector<float> values;  ///< as the file will hold them, rounded to the type
};

/// A random model of the llama architecture with a vocabulary of single bytes, some merges and three control tokens,
/// and a chat template. Its weights are scaled so that attention picks positions and logits differ. The same seed
/// gives the same model. Tensors and keys may be changed before it is written.
class TinyModel {
public:
    explicit TinyModel(const TinyShape & asked = {});

    TinyShape shape;
    std::uint32_t vocabulary = 0;
    std::map<std::string, TinyTensor> tensors;
    /// Called on the finished keys before they are written.
    std::function<void(gguf_context *)> change_keys;

    [[nodiscard]] const TinyTensor & tensor(const std::string & name) const { return tensors.at(name); }
    void write(const std::filesystem::path & path) const;

private:
    void set_keys(gguf_context * file) const;
};

/// A file that a model was written to; it goes when the object goes.
class TinyModelFile {
public:
    explicit TinyModelFile(const TinyModel & model);
    explicit TinyModelFile(const TinyShape & shape) : TinyModelFile(TinyModel(shape)) {}

    [[nodiscard]] const std::filesystem::path & path() const { return path_; }

private:
    TemporaryFolder folder_;
    std::filesystem::path path_ = folder_.path() / "tiny.gguf";
};

}  // namespace snapkv::test

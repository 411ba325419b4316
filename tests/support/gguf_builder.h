#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "ggml.h"
#include "gguf.h"

namespace snapkv::test {

/// Collects random float32 tensors and writes them with the keys as a GGUF file. The same seed and calls give the same
/// file.
class GgufBuilder {
public:
    explicit GgufBuilder(std::uint32_t seed);

    /// May change a tensor's shape before it is made; false leaves the tensor out.
    std::function<bool(const std::string & name, std::vector<std::int64_t> & shape)> spoil;

    [[nodiscard]] gguf_context * keys() { return file_.get(); }

    /// Normal values around `mean`.
    void tensor(const std::string & name, const std::vector<std::int64_t> & shape, float deviation, float mean = 0);
    /// A matrix, or `count` of them, whose products have about `gain` times the size of what they multiply.
    void matrix(const std::string & name, std::int64_t in, std::int64_t out, float gain, std::int64_t count = 1);
    void fill(const std::string & name, std::vector<std::int64_t> shape,
              const std::function<float(std::size_t)> & value);
    void write(const std::filesystem::path & path) const;

private:
    struct Free {
        void operator()(gguf_context * file) const { gguf_free(file); }
        void operator()(ggml_context * tensors) const { ggml_free(tensors); }
    };

    std::unique_ptr<gguf_context, Free> file_;
    std::unique_ptr<ggml_context, Free> tensors_;
    std::mt19937 random_;
};

/// Three control tokens, the bytes, and words up to `size` tokens in all; where there is no room for the bytes, letters
/// of a tokenizer that does without.
void add_vocabulary(gguf_context * keys, std::uint32_t size);

}  // namespace snapkv::test

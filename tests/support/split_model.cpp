#include "support/split_model.h"

#include <fmt/core.h>

#include <cstdint>
#include <memory>
#include <stdexcept>

#include "ggml.h"
#include "gguf.h"

namespace snapkv::test {
namespace {

using KeysPtr = std::unique_ptr<gguf_context, decltype(&gguf_free)>;
using TensorsPtr = std::unique_ptr<ggml_context, decltype(&ggml_free)>;

}  // namespace

SplitModel::SplitModel(const std::filesystem::path & whole, std::size_t parts) : parts_(parts) {
    ggml_context * read = nullptr;
    const KeysPtr keys(gguf_init_from_file(whole.c_str(), {.no_alloc = false, .ctx = &read}), gguf_free);
    const TensorsPtr tensors(read, ggml_free);
    if (!keys) {
        throw std::runtime_error("cannot read " + whole.string());
    }
    const auto count = static_cast<std::size_t>(gguf_get_n_tensors(keys.get()));
    for (std::size_t index = 0; index < parts; ++index) {
        const KeysPtr file(gguf_init_empty(), gguf_free);
        if (index == 0) {
            gguf_set_kv(file.get(), keys.get());
        }
        gguf_set_val_u16(file.get(), "split.no", static_cast<std::uint16_t>(index));
        gguf_set_val_u16(file.get(), "split.count", static_cast<std::uint16_t>(parts));
        gguf_set_val_i32(file.get(), "split.tensors.count", static_cast<std::int32_t>(count));
        for (std::size_t tensor = count * index / parts; tensor < count * (index + 1) / parts; ++tensor) {
            const char * name = gguf_get_tensor_name(keys.get(), static_cast<std::int64_t>(tensor));
            gguf_add_tensor(file.get(), ggml_get_tensor(tensors.get(), name));
        }
        if (!gguf_write_to_file(file.get(), part(index).c_str(), false)) {
            throw std::runtime_error("cannot write " + part(index).string());
        }
    }
}

std::filesystem::path SplitModel::part(std::size_t index) const {
    return folder_.path() / fmt::format("model-{:05}-of-{:05}.gguf", index + 1, parts_);
}

}  // namespace snapkv::test

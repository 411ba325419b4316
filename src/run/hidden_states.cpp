#include "run/hidden_states.h"

#include <cassert>
#include <utility>

#include "ggml-cpu.h"

namespace snapkv::run {

HiddenStates::HiddenStates(std::uint32_t rows, std::uint32_t width, std::shared_ptr<Meter> meter)
    : rows_(rows),
      width_(width),
      block_(bytes(rows, width), std::move(meter)),
      buffer_(ggml_backend_cpu_buffer_from_ptr(block_.data(), block_.size())) {}

ggml_tensor * HiddenStates::view(ggml_context * ctx, std::uint32_t first, std::uint32_t count) {
    assert(first + count <= rows_ + kLeastRows);
    ggml_tensor * tensor = ggml_new_tensor_2d(ctx, GGML_TYPE_F32, width_, count);
    ggml_backend_tensor_alloc(buffer_.get(), tensor, row(first));
    return tensor;
}

}  // namespace snapkv::run

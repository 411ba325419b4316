#include "model/state_tensors.h"

namespace snapkv::model {

ggml_tensor * StateTensors::read(ggml_context * ctx, const StateSpan & span, std::size_t offset, std::int64_t ne0,
                                 std::int64_t ne1, std::int64_t ne2) {
    ggml_tensor * tensor = ggml_new_tensor_3d(ctx, GGML_TYPE_F32, ne0, ne1, ne2);
    tensor->data = span.before + offset;
    before_.push_back({tensor, offset});
    return tensor;
}

void StateTensors::write(ggml_context * ctx, ggml_cgraph * graph, const StateSpan & span, std::size_t offset,
                         ggml_tensor * state) {
    ggml_tensor * place = ggml_new_tensor_1d(ctx, GGML_TYPE_F32, ggml_nelements(state));
    place->data = span.after + offset;
    ggml_tensor * copy = ggml_cpy(ctx, state, place);  // a view, with an address of its own
    ggml_build_forward_expand(graph, copy);
    after_.push_back({place, offset});
    after_.push_back({copy, offset});
}

void StateTensors::bind(float * before, float * after) {
    for (const Placed & placed : before_) {
        placed.tensor->data = before + placed.offset;
    }
    for (const Placed & placed : after_) {
        placed.tensor->data = after + placed.offset;
    }
}

}  // namespace snapkv::model

#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

void read(const KeyReader & keys, HyperParameters & params) {
    read_experts(keys, params);
    read_sliding_layers(keys, params, 0);  // Mistral 7B v0.1: all of them
}

}  // namespace

/// Llama, Mistral, Mixtral, Vicuna, LongChat, LWM, SmolLM and most of what was made after them.
const Family kLlama{.name = "llama", .read = read};

}  // namespace snapkv::model

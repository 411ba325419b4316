#include "model/arch/arch.h"
#include "model/hyper_parameters.h"

namespace snapkv::model {

namespace {

void read_llama(const KeyReader & keys, HyperParameters & params) {
    read_experts(keys, params);
    // Mistral 7B v0.1: all of them.
    read_sliding_layers(keys, params, keys.count(kSlidingWindow, kMostContext), 0);
}

}  // namespace

/// Llama, Mistral, Mixtral, Vicuna, LongChat, LWM, SmolLM and most of what was made after them.
const Family kLlama{.name = "llama", .read = read_llama};

}  // namespace snapkv::model

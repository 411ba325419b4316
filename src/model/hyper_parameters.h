#pragma once

#include <cstdint>
#include <string>

#include "attention/port.h"
#include "gguf/file.h"
#include "model/rope.h"
#include "snapkv/model.h"

namespace snapkv::model {

/// The numbers that shape a model, read from the file and checked against each other.
struct HyperParameters {
    std::string architecture;
    std::uint32_t layers = 0;
    std::uint32_t width = 0;
    std::uint32_t feed_forward = 0;
    std::uint32_t heads = 0;
    std::uint32_t kv_heads = 0;
    std::uint32_t key_size = 0;
    std::uint32_t value_size = 0;
    std::uint32_t vocabulary = 0;
    std::uint32_t trained_context = 0;
    float norm_epsilon = 0;
    float attention_scale = 0;
    Rope rope;

    [[nodiscard]] attention::AttentionSpec attention_spec() const;
};

/// Throws Error(Input) naming the key for what is missing, out of range or contradicts another key, and for an
/// architecture that is not supported, with the list of those that are.
HyperParameters read_hyper_parameters(const gguf::File & file, const RopeOptions & rope);

}  // namespace snapkv::model

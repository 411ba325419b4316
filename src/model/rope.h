#pragma once

#include <cstdint>
#include <string>

#include "gguf/file.h"
#include "snapkv/model.h"

namespace snapkv::model {

/// Rotary embedding settings in force: the file's, overridden by the options, resolved as libllama resolves them.
struct Rope {
    RopeOptions::Scaling scaling = RopeOptions::Scaling::Linear;
    std::uint32_t dimensions = 0;
    float freq_base = 10000;
    float freq_scale = 1;  ///< the inverse of the scaling factor
    std::uint32_t original_context = 0;
    float extrapolation = 0;  ///< YaRN's mix: 1 where it is on
    float attention_factor = 1;
    float beta_fast = 32;
    float beta_slow = 1;
    bool long_factors = false;  ///< of the two sets of factors that longrope has, that for long contexts is in force

    [[nodiscard]] std::string describe() const;
    friend bool operator==(const Rope &, const Rope &) = default;
};

/// Throws Error(Input) for a scaling type that is not supported, by name, and for values that
/// make no sense, Error(Usage) for options that are out of range or change nothing.
Rope read_rope(const gguf::File & file, const std::string & architecture, std::uint32_t head_size,
               std::uint32_t trained_context, const RopeOptions & options);

}  // namespace snapkv::model

#pragma once

#include <cstdint>
#include <memory>

#include "attention/port.h"
#include "snapkv/session.h"

namespace snapkv::run {

/// The port of the attention path that was chosen, for layers [0, layers).
[[nodiscard]] inline std::unique_ptr<attention::Port> make_port(AttentionPath path, std::uint32_t layers) {
    return path == AttentionPath::Cpu ? attention::make_cpu_port(0, layers) : attention::make_portable_port(0, layers);
}

}  // namespace snapkv::run

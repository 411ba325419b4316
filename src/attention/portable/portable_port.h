#pragma once

#include <cstdint>
#include <memory>

#include "attention/port.h"
#include "attention/portable/plan.h"

namespace snapkv::attention {

/// The portable port with limits of its own.
std::unique_ptr<Port> make_portable_port(std::uint32_t first_layer, std::uint32_t layers,
                                         const portable::Limits & limits);

}  // namespace snapkv::attention

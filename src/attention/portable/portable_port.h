#pragma once

#include <cstdint>
#include <memory>

#include "attention/host_port.h"
#include "attention/portable/plan.h"

namespace snapkv::attention {

/// The portable port with limits of its own.
std::unique_ptr<HostPort> make_portable_port(std::uint32_t first_layer, std::uint32_t layers,
                                             const portable::Limits & limits);

}  // namespace snapkv::attention

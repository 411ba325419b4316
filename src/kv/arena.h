#pragma once

#include <cstddef>
#include <memory>

#include "base/block.h"
#include "base/meter.h"

namespace snapkv::kv {

/// Where blocks of K/V come from. Blocks outlive the arena. Thread-safe.
class Arena {
public:
    virtual ~Arena() = default;
    [[nodiscard]] virtual Block allocate(std::size_t bytes) = 0;
    [[nodiscard]] virtual Meter & meter() = 0;
};

/// Anonymous host memory.
class HostArena final : public Arena {
public:
    [[nodiscard]] Block allocate(std::size_t bytes) override { return {bytes, meter_}; }
    [[nodiscard]] Meter & meter() override { return *meter_; }

private:
    std::shared_ptr<Meter> meter_ = std::make_shared<Meter>();
};

}  // namespace snapkv::kv

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "snapkv/tools/random_model.h"
#include "synthetic/shape.h"

namespace snapkv::synthetic {

/// write_random_model with the sizes of any shape: those that `options` name are not looked at.
WrittenModel write_shape(const std::filesystem::path & path, Shape shape, const RandomModelOptions & options,
                         const std::function<void(std::uint64_t, std::uint64_t)> & progress = {});

}  // namespace snapkv::synthetic

#pragma once

#include <span>
#include <string_view>

namespace snapkv::eval {

/// Throws Error(Usage), which begins with `task`, where there is no depth, where one is not a number from 0 to 1, or
/// where one is there twice.
void check_depths(std::string_view task, std::span<const double> depths);

}  // namespace snapkv::eval

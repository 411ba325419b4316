#pragma once

#include <cstddef>
#include <functional>

namespace snapkv::eval {

/// Does work(first, last) on [first, last), and where the machine has no room for all of it at once (Error(Machine)),
/// on one half after the other, and so on down to single ones, whose error is passed on. False as soon as work returns
/// false. What a half had done before it failed is asked for again.
bool in_pieces(std::size_t first, std::size_t last, const std::function<bool(std::size_t, std::size_t)> & work);

}  // namespace snapkv::eval

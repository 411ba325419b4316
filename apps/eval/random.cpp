#include "eval/random.h"

#include <cassert>

namespace snapkv::eval {
namespace {

/// FNV-1a over the bytes of both.
std::uint64_t mixed(std::uint64_t seed, std::string_view stream) {
    constexpr std::uint64_t prime = 0x100000001B3U;
    std::uint64_t hash = 0xCBF29CE484222325U;
    for (unsigned shift = 0; shift < 64; shift += 8) {
        hash = (hash ^ ((seed >> shift) & 0xFFU)) * prime;
    }
    for (const char byte : stream) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * prime;
    }
    return hash;
}

}  // namespace

Random::Random(std::uint64_t seed, std::string_view stream) : generator_(mixed(seed, stream)) {}

std::size_t Random::below(std::size_t count) {
    assert(count > 0);
    const std::uint64_t range = count;
    const std::uint64_t uneven = (0 - range) % range;  // 2^64 modulo the range: so many draws would favour low numbers
    std::uint64_t draw = bits();
    while (draw < uneven) {
        draw = bits();
    }
    return static_cast<std::size_t>(draw % range);
}

std::size_t DistinctNumbers::draw(Random & random) {
    assert(left_ > 0);
    const std::size_t place = random.below(left_);
    --left_;
    const auto value_at = [&](std::size_t index) {
        const auto found = moved_.find(index);
        return found == moved_.end() ? index : found->second;
    };
    const std::size_t number = value_at(place);
    moved_[place] = value_at(left_);
    moved_.erase(left_);
    return number;
}

}  // namespace snapkv::eval

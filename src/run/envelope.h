#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

namespace snapkv::run {

/// What stands before the contents of a file of ours. Its fields fill it without gaps, so that it is the file's first
/// bytes.
struct Envelope {
    std::array<char, 8> magic{};
    std::uint32_t version = 0;
    std::uint32_t zero = 0;
    std::uint64_t size = 0;      ///< bytes that the checksum covers, right behind the envelope
    std::uint64_t checksum = 0;  ///< XXH3, 64 bits, of those
};
static_assert(sizeof(Envelope) == 32 && std::has_unique_object_representations_v<Envelope>);

}  // namespace snapkv::run

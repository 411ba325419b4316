#include "base/headroom.h"

#include <cstdlib>

#include "base/raise.h"

namespace snapkv {

#if defined(SNAPKV_SANITIZED)
// A sanitizer's allocator ends the process itself, and marks every byte that is asked for.
void require_memory(std::size_t /*bytes*/) {}
#else
void require_memory(std::size_t bytes) {
    // Below the size from which malloc() maps pages of their own and gives them back when they are freed: so much stays
    // with the allocator.
    constexpr std::size_t kSmallPieces = std::size_t{64} << 10U;
    // NOLINTBEGIN(cppcoreguidelines-no-malloc): malloc() itself is what is asked
    void * volatile small = std::malloc(kSmallPieces);  // volatile: compilers leave such pairs out
    void * volatile large = std::malloc(bytes);
    const bool there = small != nullptr && (large != nullptr || bytes == 0);
    std::free(large);
    std::free(small);
    // NOLINTEND(cppcoreguidelines-no-malloc)
    if (!there) {
        raise_machine("the system refused {} KiB of memory", (bytes + kSmallPieces) >> 10U);
    }
}
#endif

}  // namespace snapkv

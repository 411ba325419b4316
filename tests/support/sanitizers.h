#pragma once

namespace snapkv::test {

/// Built with a sanitizer: memory that it takes for itself is not the engine's, and everything is slower.
#if defined(SNAPKV_SANITIZED)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace snapkv::test

#pragma once

namespace snapkv::test {

/// Built with a sanitizer: memory that it takes for itself is not the engine's, and everything is slower.
#if defined(SNAPKV_SANITIZED)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// ThreadSanitizer's own stack of calls has an end that deep recursion reaches.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kMayRecurse = false;
#else
inline constexpr bool kMayRecurse = true;
#endif

}  // namespace snapkv::test

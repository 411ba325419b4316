#pragma once

namespace snapkv::test {

/// Built with a sanitizer: memory that it takes for itself is not the engine's, and everything is slower.
#if defined(SNAPKV_SANITIZED)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

/// The one whose own stack of calls has an end that deep recursion reaches.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kThreadSanitized = true;
#else
inline constexpr bool kThreadSanitized = false;
#endif

}  // namespace snapkv::test

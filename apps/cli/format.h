#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace snapkv::cli {

/// Numbers as people read them.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);                          ///< "22.5 MiB"
[[nodiscard]] std::string count_text(std::uint64_t count);                          ///< "5,981"
[[nodiscard]] std::string count_text(std::uint64_t count, std::string_view thing);  ///< "1 token", "5,981 tokens"
[[nodiscard]] std::string seconds_text(double seconds);                             ///< "0.4 s", "2 min 05 s"
[[nodiscard]] std::string rate_text(double tokens_per_second);                      ///< "512 tok/s"
[[nodiscard]] double per_second(std::uint64_t count, double milliseconds);          ///< 0 where no time passed

/// `text` in lines of at most `width`, broken at blanks, the second and later ones indented by `margin`.
[[nodiscard]] std::string wrapped(std::string_view text, std::size_t width, std::size_t margin = 0);

}  // namespace snapkv::cli

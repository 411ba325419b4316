#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace snapkv::text {

/// Turns token pieces into a stream of valid UTF-8: bytes of an unfinished character are held back, bytes that can
/// never become one are replaced by U+FFFD (one for each maximal ill-formed part, as Unicode recommends).
class Utf8Stream {
public:
    /// Takes bytes, returns the whole characters that are now known.
    std::string push(std::string_view bytes);
    /// The end: what was held back becomes U+FFFD.
    std::string finish();

private:
    std::string pending_;
};

/// Watches a stream for stop strings, holding back only text that may be the beginning of one.
class StopStrings {
public:
    explicit StopStrings(std::vector<std::string> strings);  ///< empty strings are ignored
    struct Result {
        std::string text;      ///< may be shown now
        bool stopped = false;  ///< a stop string was completed; text ends before it
    };
    Result push(std::string_view text);
    std::string finish();  ///< the end without a stop: what was held back

private:
    std::vector<std::string> strings_;
    std::string pending_;
};

}  // namespace snapkv::text

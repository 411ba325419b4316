#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "snapkv/export.h"

namespace snapkv {

/// What an Error is about, and so who can fix it.
enum class ErrorKind {
    Usage,        ///< the request is inconsistent: a flag, a field, a configuration
    Input,        ///< a file or text from outside is invalid
    Machine,      ///< this machine cannot do it: memory, disk, permissions
    Interrupted,  ///< the caller's stop flag was set during a call that returns no partial result
};

/// What the library throws when something outside it is at fault. The message is one line that names the file, key or
/// field, what was found and what was expected. A broken invariant of our own is an assertion, never an Error.
class SNAPKV_API Error : public std::runtime_error {
public:
    /// `field`: a literal, or something else that outlives every copy.
    Error(ErrorKind kind, const std::string & message, std::string_view field = {});
    ~Error() override;

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
    /// The option at fault, as this interface calls it: "cache.budget" (CacheConfig), "sampling.top_p"
    /// (SamplingOptions), "session.threads" (SessionOptions), "rope.scale" (RopeOptions), "chat_template". Empty where
    /// it is none. The message says the same names, of this option and maybe others, so that a program can put its own
    /// in their place.
    [[nodiscard]] std::string_view field() const noexcept { return field_; }

private:
    ErrorKind kind_;
    std::string_view field_;
};

}  // namespace snapkv

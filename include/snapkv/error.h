#pragma once

#include <stdexcept>
#include <string>

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
/// option, what was found and what was expected. A broken invariant of our own is an assertion, never an Error.
class SNAPKV_API Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string & message);
    ~Error() override;

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

private:
    ErrorKind kind_;
};

}  // namespace snapkv

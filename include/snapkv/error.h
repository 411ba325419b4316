#pragma once

#include <stdexcept>
#include <string>

#include "snapkv/export.h"

namespace snapkv {

/// Whose turn it is to act when an Error is thrown.
enum class ErrorKind {
    Usage,    ///< the request contradicts itself: a flag, a field, a configuration
    Input,    ///< a file or text from outside is not what it should be
    Machine,  ///< this machine cannot do it: memory, disk, permissions
};

/// Everything the library throws for what comes from outside. The message is one line that names the file, key or
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

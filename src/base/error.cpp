#include "snapkv/error.h"

namespace snapkv {

Error::Error(ErrorKind kind, const std::string & message, std::string_view field)
    : std::runtime_error(message), kind_(kind), field_(field) {}
Error::~Error() = default;

}  // namespace snapkv

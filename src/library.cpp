#include <string>

#include "ggml.h"
#include "snapkv/snapkv.h"

namespace snapkv {

const char * version() {
    static const std::string text = std::string(SNAPKV_VERSION) + " (ggml " + ggml_version() + ")";
    return text.c_str();
}

}  // namespace snapkv

#pragma once

/// The whole public interface, but for the tools library's (snapkv/tools/).
#include "snapkv/cache_config.h"
#include "snapkv/chat.h"
#include "snapkv/choice_names.h"
#include "snapkv/document.h"
#include "snapkv/error.h"
#include "snapkv/generation.h"
#include "snapkv/model.h"
#include "snapkv/named_policy.h"
#include "snapkv/prefill.h"
#include "snapkv/row_provider.h"
#include "snapkv/scores.h"
#include "snapkv/selection.h"
#include "snapkv/sequence.h"
#include "snapkv/session.h"
#include "snapkv/whole_file.h"

namespace snapkv {

/// "0.2.0", followed by the ggml release it was built with.
[[nodiscard]] SNAPKV_API const char * version();

}  // namespace snapkv

#pragma once

/// Marks symbols that the shared library exports; all others stay hidden.
#define SNAPKV_API __attribute__((visibility("default")))

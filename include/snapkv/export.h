#pragma once

/// Marks what the shared library makes visible; everything else stays hidden.
#define SNAPKV_API __attribute__((visibility("default")))

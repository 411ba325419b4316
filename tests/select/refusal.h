#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "select/plan.h"
#include "snapkv/error.h"

namespace snapkv::select {

/// The message of the Usage error that a configuration must raise for a prompt of n tokens, one line that names
/// `field` if one is given; empty, with a failure, without an error.
inline std::string refusal(const CacheConfig & config, const std::string & field = {}, std::uint32_t n = 1000) {
    try {
        make_plan(config, n, 0);
    } catch (const Error & error) {
        EXPECT_EQ(error.kind(), ErrorKind::Usage);
        EXPECT_EQ(error.field(), field.empty() ? error.field() : field);
        EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
        return error.what();
    }
    ADD_FAILURE() << "accepted";
    return {};
}

}  // namespace snapkv::select

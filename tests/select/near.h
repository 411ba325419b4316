#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "select/oracle.h"

namespace snapkv {

inline oracle::Row widened(const std::vector<float> & row) {
    return {row.begin(), row.end()};
}

/// Equal within `relative` of the expected value; NaN only where NaN is expected.
inline void expect_near(const std::vector<float> & found, const oracle::Row & expected, double relative) {
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        const auto value = static_cast<double>(found[i]);
        if (std::isnan(expected[i])) {
            EXPECT_TRUE(std::isnan(value)) << i;
        } else if (value != expected[i]) {
            // A float under the smallest normal one has fewer digits than the tolerance asks for.
            EXPECT_NEAR(value, expected[i], std::max(relative * std::abs(expected[i]), 1e-44)) << i;
        }
    }
}

}  // namespace snapkv

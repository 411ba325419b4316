#include "run/logits.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "snapkv/error.h"

namespace snapkv::run {
namespace {

TEST(Logits, MayBeInfiniteButMustBeNumbers) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    EXPECT_NO_THROW(check_logits(std::array{0.0F, -kInfinity, 3.0F}));
    const std::array damaged{0.0F, std::numeric_limits<float>::quiet_NaN()};
    try {
        check_logits(damaged);
        FAIL() << "a logit that is not a number was taken";
    } catch (const Error & error) {
        EXPECT_EQ(error.kind(), ErrorKind::Input);
        EXPECT_STREQ(error.what(), "the model's logit 1 is not a number: its weights are damaged");
    }
}

}  // namespace
}  // namespace snapkv::run

#include "run/logits.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "support/error_of.h"

namespace snapkv::run {
namespace {

TEST(Logits, MustHaveAGreatest) {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    EXPECT_NO_THROW(check_logits(std::array{0.0F, -kInfinity, 3.0F}));
    const auto refusal = [](const auto & logits) {
        return snapkv::test::error_of(ErrorKind::Input, [&] { check_logits(logits); });
    };
    EXPECT_EQ(refusal(std::array{0.0F, std::numeric_limits<float>::quiet_NaN()}),
              "the model's logit 1 is not a number: its weights are damaged");
    EXPECT_EQ(refusal(std::array{0.0F, 1.0F, kInfinity}), "the model's logit 2 is infinite: its weights are damaged");
    EXPECT_EQ(refusal(std::array{-kInfinity, -kInfinity}),
              "all of the model's logits are minus infinity: its weights are damaged");
}

}  // namespace
}  // namespace snapkv::run

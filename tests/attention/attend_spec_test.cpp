// Every field of AttentionSpec, alone and together, on the project's kernels.

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "attention/attend_check.h"

namespace snapkv::attention {
namespace {

class AttendSpec : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, AttendSpec, testing::Values(KvType::F32, KvType::F16, KvType::BF16), test::type_name);

TEST(AttendOneField, SlidingWindow) {
    for (const std::uint32_t window : {1U, 2U, 63U, 64U, 65U, 200U, 1000U}) {
        SCOPED_TRACE(window);
        AttentionSpec spec = spec_of(2, 2, 16, 16);
        spec.sliding_window = window;
        LayerUnit unit = unit_of(spec, KvType::F32);
        Random random(13);
        const auto whole = Sequence(unit).dense(random, unit.shape, 0, 400);
        const auto split = Sequence(unit).ragged(random, unit.shape, 100).dense(random, unit.shape, 500, 50);
        unit.queries = {whole.span(0, 90, 300), whole.span(90, 2, 398), whole.span(92, 2, 0), split.span(94, 3, 547),
                        split.span(97, 30, 520)};
        check(unit, 128, 14);
    }
}

TEST(AttendOneField, SoftCap) {
    AttentionSpec spec = spec_of(2, 2, 24, 24);
    spec.soft_cap = 2.5F;
    LayerUnit unit = unit_of(spec, KvType::F16);
    Random random(15);
    const auto sequence = Sequence(unit).dense(random, unit.shape, 0, 300);
    unit.queries = {sequence.span(0, 2, 298), sequence.span(2, 30, 200)};
    check(unit, 32, 16);
}

// Latent attention: the value of a row is the beginning of its key, in quantised types rotated with it.
TEST(AttendValuesInKeys, OfEveryType) {
    for (const KvType type : {KvType::F32, KvType::F16, KvType::BF16, KvType::Q8_0, KvType::Q4_0}) {
        for (const auto & [key_size, value_size] : {std::pair{96U, 64U}, {576U, 512U}}) {
            SCOPED_TRACE(testing::Message() << static_cast<int>(type) << ", " << key_size);
            LayerUnit unit = unit_of(spec_of(1, 5, key_size, value_size), type);
            unit.shape.values_in_keys = true;
            Random random(17);
            const auto whole = Sequence(unit).dense(random, unit.shape, 0, 150);
            const auto split = Sequence(unit).ragged(random, unit.shape, 70).dense(random, unit.shape, 300, 5);
            unit.queries = {whole.span(0, 30, 110), split.span(30, 1, 303), whole.span(31, 3, 147)};
            for (const bool prefill : {false, true}) {
                unit.prefill = prefill;
                for (const bool rotated : {true, false}) {
                    unit.shape.rotated = rotated;
                    check(unit, 40, 18);
                }
            }
        }
    }
}

/// Slopes and sinks that differ from head to head.
class Extras {
public:
    explicit Extras(std::uint32_t heads) {
        for (std::uint32_t head = 0; head < heads; ++head) {
            slopes_.push_back(head % 3 == 2 ? 0.0F : std::exp2(-1.0F - static_cast<float>(head)));
            sinks_.push_back(static_cast<float>(head % 5) - 2.0F);
        }
    }
    [[nodiscard]] AttentionSpec added(AttentionSpec spec, bool slopes, bool sinks) const {
        spec.alibi_slopes = slopes ? std::span(slopes_) : std::span<const float>();
        spec.sinks = sinks ? std::span(sinks_) : std::span<const float>();
        return spec;
    }

private:
    std::vector<float> slopes_;
    std::vector<float> sinks_;
};

TEST_P(AttendSpec, EveryFieldOfTheSpecificationTogether) {
    const Extras extras(6);
    for (const bool slopes : {false, true}) {
        for (const bool sinks : {false, true}) {
            for (const float cap : {0.0F, 3.0F}) {
                SCOPED_TRACE(testing::Message() << "slopes " << slopes << ", sinks " << sinks << ", cap " << cap);
                AttentionSpec spec = extras.added(spec_of(2, 3, 48, 24), slopes, sinks);
                spec.soft_cap = cap;
                spec.sliding_window = slopes ? 200 : 0;
                LayerUnit unit = unit_of(spec, GetParam());
                Random random(27);
                const auto whole = Sequence(unit).dense(random, unit.shape, 0, 400);
                const auto split = Sequence(unit).ragged(random, unit.shape, 100).dense(random, unit.shape, 450, 60);
                const auto later = Sequence(unit).dense(random, unit.shape, 100, 20);
                unit.queries = {whole.span(0, 70, 330), split.span(70, 10, 495), later.span(80, 1, 50),
                                whole.span(81, 1, 399), split.span(82, 3, 503)};
                for (const bool prefill : {false, true}) {
                    unit.prefill = prefill;
                    check(unit, 96, 28);
                }
            }
        }
    }
}

}  // namespace
}  // namespace snapkv::attention

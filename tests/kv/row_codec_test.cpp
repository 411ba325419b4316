#include "kv/row_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>
#include <vector>

#include "attention/oracle.h"
#include "kv/rotate.h"

namespace snapkv::kv {
namespace {

namespace oracle = attention::test;
using oracle::Random;

double length(const std::vector<float> & row) {
    return std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
}

TEST(Rotation, TakesTheGreatestPowerOfTwo) {
    EXPECT_EQ(rotation_size(64), 64U);
    EXPECT_EQ(rotation_size(96), 32U);
    EXPECT_EQ(rotation_size(192), 64U);
    EXPECT_EQ(rotation_size(576), 64U);
    EXPECT_EQ(rotation_size(512), 512U);
    EXPECT_EQ(rotation_size(2048), 512U);
}

TEST(Rotation, IsItsOwnInverseAndKeepsLengths) {
    Random random(1);
    for (const std::size_t size : {32U, 64U, 96U, 192U, 512U, 576U}) {
        const std::vector<float> row = random.numbers(size);
        std::vector<float> rotated = row;
        rotate(rotated.data(), size, rotation_size(size));
        EXPECT_NEAR(length(rotated), length(row), 1e-5 * length(row));
        rotate(rotated.data(), size, rotation_size(size));
        for (std::size_t i = 0; i < size; ++i) {
            EXPECT_NEAR(rotated[i], row[i], 1e-6);
        }
    }
}

class Codec : public testing::TestWithParam<KvType> {};
INSTANTIATE_TEST_SUITE_P(Types, Codec,
                         testing::Values(KvType::F32, KvType::F16, KvType::BF16, KvType::Q8_0, KvType::Q4_0),
                         oracle::type_name);

TEST_P(Codec, DecodesToWhatTheOracleReads) {
    Random random(2);
    for (const std::size_t size : {32U, 64U, 96U, 128U, 512U, 576U}) {
        const std::vector<float> row = random.numbers(size);
        std::vector<std::byte> stored(kv_row_bytes(GetParam(), size));
        for (const std::size_t stretch : {rotation_size(size), kUnrotated}) {
            encode_row(row.data(), size, GetParam(), stretch, stored.data());
            const auto expected =
                (stretch > 1 ? oracle::restored_row : oracle::stored_row)(stored.data(), size, GetParam());
            std::vector<float> decoded(size);
            decode_row(stored.data(), size, GetParam(), stretch, decoded.data());
            for (std::size_t i = 0; i < size; ++i) {
                EXPECT_NEAR(decoded[i], expected[i], 1e-6);
            }
        }
    }
}

/// What is left over behind whole vectors goes another way.
TEST(HalfFloats, AnyNumberOfThemIsDecoded) {
    Random random(4);
    for (std::size_t size = 1; size < 20; ++size) {
        const std::vector<float> row = random.numbers(size);
        std::vector<std::byte> stored(kv_row_bytes(KvType::F16, size));
        encode_row(row.data(), size, KvType::F16, kUnrotated, stored.data());
        std::vector<float> decoded(size);
        decode_row(stored.data(), size, KvType::F16, kUnrotated, decoded.data());
        const auto expected = oracle::stored_row(stored.data(), size, KvType::F16);
        EXPECT_TRUE(std::equal(decoded.begin(), decoded.end(), expected.begin(), expected.end())) << size;
        for (std::size_t i = 0; i < size; ++i) {
            EXPECT_NEAR(decoded[i], row[i], std::abs(row[i]) / 2048 + 1e-7) << i << " of " << size;
        }
    }
}

TEST_P(Codec, LosesLittle) {
    constexpr std::size_t kSize = 128;
    Random random(3);
    std::vector<float> row = random.numbers(kSize);
    row[77] = 40;  // one that sticks out, as keys have them
    std::vector<std::byte> stored(kv_row_bytes(GetParam(), kSize));
    encode_row(row.data(), kSize, GetParam(), kSize, stored.data());
    std::vector<float> decoded(kSize);
    decode_row(stored.data(), kSize, GetParam(), kSize, decoded.data());
    std::transform(row.begin(), row.end(), decoded.begin(), decoded.begin(), std::minus<>());
    // A scale's share of the greatest element, which the rotation has brought down to about 40 / sqrt(128).
    const double step = GetParam() == KvType::Q8_0 ? 1.0 / 127 : GetParam() == KvType::Q4_0 ? 1.0 / 8 : 0;
    const double bound = step > 0 ? 0.6 * step * 7 * std::sqrt(double{kSize}) : 40.0 / 256 * std::sqrt(double{kSize});
    EXPECT_LT(length(decoded), bound);
}

/// The rows in which the rotation brings all elements of a stretch together, and those with one that sticks out.
TEST_P(Codec, StoresNothingButFiniteNumbersUpToTheLargest) {
    const KvType type = GetParam();
    const auto finite = [&](std::size_t size, std::size_t stretch, std::size_t same, float largest) {
        std::vector<float> row(size, 0.0F);
        for (std::size_t i = 0; i < size; ++i) {
            row[i] = i % same == 0 ? -largest : 0.0F;
        }
        std::vector<std::byte> stored(kv_row_bytes(type, size));
        encode_row(row.data(), size, type, stretch, stored.data());
        std::vector<float> decoded(size);
        decode_row(stored.data(), size, type, stretch, decoded.data());
        return std::all_of(decoded.begin(), decoded.end(), [](float x) { return std::isfinite(x); });
    };
    for (const std::size_t size : {32U, 96U, 128U, 512U}) {
        for (const std::size_t stretch : {rotation_size(size), kUnrotated}) {
            const float largest = largest_storable(type, stretch);
            EXPECT_TRUE(finite(size, stretch, 1, largest)) << size << ", " << stretch;
            EXPECT_TRUE(finite(size, stretch, size, largest)) << size << ", " << stretch;
            if (type != KvType::F32) {
                EXPECT_FALSE(finite(size, stretch, 1, 1.003F * largest)) << size << ", " << stretch;
            }
        }
    }
}

TEST(QuantisedCodec, OfARowOfZerosIsZeros) {
    for (const KvType type : {KvType::Q8_0, KvType::Q4_0}) {
        const std::vector<float> row(64, 0.0F);
        std::vector<std::byte> stored(kv_row_bytes(type, 64));
        encode_row(row.data(), 64, type, 64, stored.data());
        std::vector<float> decoded(64, 1.0F);
        decode_row(stored.data(), 64, type, 64, decoded.data());
        EXPECT_EQ(decoded, row);
    }
}

/// What the rotation is for: without it an element that sticks out sets the scale of its block, and the others of that
/// block are rounded to nothing, while other blocks keep what they are.
TEST(QuantisedCodec, OfAnUnrotatedRowLosesTheNeighboursOfWhatSticksOut) {
    Random random(4);
    std::vector<float> row = random.numbers(128);
    row[77] = 40;
    const auto decoded = [&](std::size_t stretch) {
        std::vector<std::byte> stored(kv_row_bytes(KvType::Q4_0, 128));
        encode_row(row.data(), 128, KvType::Q4_0, stretch, stored.data());
        std::vector<float> found(128);
        decode_row(stored.data(), 128, KvType::Q4_0, stretch, found.data());
        return found;
    };
    const std::vector<float> unrotated = decoded(kUnrotated);
    EXPECT_EQ(unrotated[77], 40);
    for (std::size_t i = 0; i < 128; ++i) {
        if (i / 32 == 77 / 32) {
            EXPECT_TRUE(i == 77 || unrotated[i] == 0) << i;
        } else {
            EXPECT_NEAR(unrotated[i], row[i], 0.13) << i;
        }
    }
    const std::vector<float> rotated = decoded(128);
    EXPECT_NE(rotated, unrotated);
    EXPECT_GT(std::count_if(rotated.begin() + 64, rotated.begin() + 96, [](float x) { return x != 0; }), 20);
}

}  // namespace
}  // namespace snapkv::kv

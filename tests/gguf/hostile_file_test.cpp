#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <limits>

#include "gguf/refusal.h"

namespace snapkv::gguf {
namespace {

using test::Bytes;
using test::open_refusal;
using test::TemporaryFile;
using test::Writer;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

TEST(HostileFile, WhatIsNoGgufFileIsRefused) {
    EXPECT_EQ(open_refusal(""), "empty, expected a GGUF file");
    EXPECT_EQ(open_refusal("GG"), "not a GGUF file");
    EXPECT_EQ(open_refusal("PK\x03\x04 and much more that is no GGUF file"), "not a GGUF file");
    EXPECT_THAT(open_refusal("GGUF"), StartsWith("cut short or damaged: header reaches to byte 8, the file has 4"));
}

TEST(HostileFile, WhatIsNoFileIsRefused) {
    EXPECT_THROW(File::open("/nowhere/model.gguf"), Error);
    EXPECT_THROW(File::open(std::filesystem::temp_directory_path()), Error);
    const TemporaryFile place("");
    std::filesystem::remove(place.path());
    ASSERT_EQ(::mkfifo(place.path().c_str(), 0600), 0);
    EXPECT_THROW(File::open(place.path()), Error) << "a pipe must not be waited for";
}

TEST(HostileFile, UnknownVersionsAreRefused) {
    for (const std::uint32_t version : {0U, 1U, 4U, ~0U}) {
        Writer writer;
        writer.version = version;
        EXPECT_THAT(open_refusal(writer.bytes()), StartsWith("a GGUF file of version "));
    }
    Writer swapped;
    swapped.version = 0x03000000;
    EXPECT_THAT(open_refusal(swapped.bytes()), HasSubstr("other byte order"));
}

TEST(HostileFile, LyingCountsAreRefused) {
    for (const std::uint64_t count : {std::uint64_t{2}, std::uint64_t{60000}, std::uint64_t{1} << 40U, most}) {
        Writer keys;
        keys.says_keys = count;
        EXPECT_THAT(open_refusal(keys.u32("k", 1).bytes()), HasSubstr("key")) << count;
        Writer tensors;
        tensors.says_tensors = count;
        EXPECT_THAT(open_refusal(tensors.u32("k", 1).bytes()), HasSubstr("tensor")) << count;
    }
}

TEST(HostileFile, LyingLengthsAreRefused) {
    for (const std::uint64_t length : {std::uint64_t{100}, std::uint64_t{1} << 40U, most - 7, most}) {
        const Bytes text = std::move(Bytes().number(length).raw("text"));
        EXPECT_THAT(open_refusal(Writer().raw("k", GGUF_TYPE_STRING, text).bytes()), HasSubstr("key 'k' reaches to"));
        Bytes strings = std::move(Writer::array(GGUF_TYPE_STRING, 2).string("a").raw(text.data()));
        EXPECT_THAT(open_refusal(Writer().raw("k", GGUF_TYPE_ARRAY, strings).bytes()), HasSubstr("key 'k'"));
        for (const gguf_type type : {GGUF_TYPE_STRING, GGUF_TYPE_UINT8, GGUF_TYPE_FLOAT64}) {
            EXPECT_THAT(open_refusal(Writer().raw("k", GGUF_TYPE_ARRAY, Writer::array(type, length)).bytes()),
                        HasSubstr("key 'k'"));
        }
    }
    Writer name;
    name.says_keys = 1;
    EXPECT_THAT(open_refusal(name.bytes() + Bytes().number(most).data()), HasSubstr("key number 1 reaches to"));
}

TEST(HostileFile, BadKeysAreRefused) {
    EXPECT_EQ(open_refusal(Writer().u32("k", 1).u32("k", 2).bytes()), "key 'k' occurs twice");
    EXPECT_THAT(open_refusal(Writer().u32("", 1).bytes()), StartsWith("key number 1 has a name of 0 bytes"));
    EXPECT_THAT(open_refusal(Writer().u32(std::string(65536, 'k'), 1).bytes()), HasSubstr("name of 65536 bytes"));
    EXPECT_EQ(open_refusal(Writer().u32(std::string_view("a\0\033b", 4), 1).bytes()),
              "key number 1 has control bytes in its name 'a\\x00\\x1Bb'");
}

TEST(HostileFile, UnknownValueTypesAreRefused) {
    EXPECT_EQ(open_refusal(Writer().raw("k", 13, Bytes().number(0)).bytes()), "key 'k' has the unknown type 13");
    EXPECT_THAT(open_refusal(Writer().raw("k", ~0U, Bytes().number(0)).bytes()), HasSubstr("unknown type"));
    for (const std::uint32_t element : {static_cast<std::uint32_t>(GGUF_TYPE_ARRAY), 13U, ~0U}) {
        EXPECT_THAT(open_refusal(Writer().raw("k", GGUF_TYPE_ARRAY, Writer::array(element, 1)).bytes()),
                    HasSubstr("unknown element type"));
    }
}

TEST(HostileFile, BadAlignmentsAreRefused) {
    for (const std::uint32_t alignment : {0U, 1U, 24U, 1U << 31U, ~0U}) {
        EXPECT_THAT(open_refusal(Writer().u32("general.alignment", alignment).bytes()),
                    StartsWith("key 'general.alignment' is "));
    }
    EXPECT_EQ(open_refusal(Writer().string("general.alignment", "32").bytes()),
              "key 'general.alignment' is str, expected u32");
}

TEST(HostileFile, ImpossibleShapesAreRefused) {
    const auto shaped = [](const std::vector<std::int64_t> & shape, std::uint32_t type) {
        return open_refusal(Writer().tensor("t", shape, type, std::string(64, 'x')).bytes());
    };
    constexpr std::int64_t big = std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(shaped({1, 1, 1, 1, 1}, GGML_TYPE_F32), "tensor 't' has 5 dimensions, expected at most 4");
    EXPECT_THAT(shaped({0}, GGML_TYPE_F32), HasSubstr("has 0 elements in dimension 0"));
    EXPECT_THAT(shaped({2, -1}, GGML_TYPE_F32), HasSubstr("has -1 elements in dimension 1"));
    EXPECT_THAT(shaped({big}, GGML_TYPE_F32), HasSubstr("impossible shape"));
    EXPECT_THAT(shaped({1LL << 32U, 1LL << 32U}, GGML_TYPE_F32), HasSubstr("impossible shape"));
    EXPECT_THAT(shaped({1LL << 16U, 1LL << 16U, 1LL << 16U, 1LL << 16U}, GGML_TYPE_I8), HasSubstr("impossible shape"));
    EXPECT_THAT(shaped({31}, GGML_TYPE_Q8_0), HasSubstr("rows of 31 elements, expected a multiple of 32"));
}

TEST(HostileFile, UnknownTensorTypesAreRefused) {
    // 4 and 5 are types that ggml gave up.
    for (const std::uint32_t type : {4U, 5U, static_cast<std::uint32_t>(GGML_TYPE_COUNT), ~0U}) {
        EXPECT_THAT(open_refusal(Writer().tensor("t", {32}, type, std::string(64, 'x')).bytes()),
                    StartsWith("tensor 't' has the unknown type "));
    }
}

TEST(HostileFile, BadTensorNamesAreRefused) {
    const std::string data(16, 'x');
    EXPECT_EQ(open_refusal(Writer().tensor("t", {4}, 0, data).tensor("t", {4}, 0, data).bytes()),
              "tensor 't' occurs twice");
    EXPECT_THAT(open_refusal(Writer().tensor("", {4}, 0, data).bytes()), HasSubstr("name of 0 bytes"));
    EXPECT_THAT(open_refusal(Writer().tensor(std::string(64, 't'), {4}, 0, data).bytes()), HasSubstr("64 bytes"));
    EXPECT_THAT(open_refusal(Writer().tensor(std::string_view("t\0u", 3), {4}, 0, data).bytes()),
                HasSubstr("control bytes"));
}

TEST(HostileFile, TensorsOutOfPlaceAreRefused) {
    const std::string data(64, 'x');
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{32}, std::uint64_t{96}, most, most - 31}) {
        EXPECT_THAT(open_refusal(Writer().tensor("a", {16}, 0, data).tensor("b", {16}, 0, data, offset).bytes()),
                    StartsWith("tensor 'b' lies at offset "));
    }
}

TEST(HostileFile, TensorDataCutShortIsRefusedWithBothSizes) {
    const std::string whole =
        Writer().tensor("a", {16}, 0, std::string(64, 'x')).tensor("b", {16}, 0, std::string(64, 'x')).bytes();
    const std::size_t size = whole.size();
    EXPECT_EQ(open_refusal(whole), "not refused");
    EXPECT_EQ(open_refusal(whole.substr(0, size - 1)), "cut short: needs " + std::to_string(size) + " bytes, has " +
                                                           std::to_string(size - 1) +
                                                           "; the first incomplete tensor is 'b'");
    EXPECT_THAT(open_refusal(whole.substr(0, size - 65)), HasSubstr("first incomplete tensor is 'a'"));
}

TEST(HostileFile, CutAtAnyByteIsRefused) {
    const std::string whole =
        Writer().string("s", "text").strings("list", {"a", "b"}).tensor("a", {8}, 0, std::string(32, 'x')).bytes();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_NE(open_refusal(whole.substr(0, size)), "not refused") << size;
    }
}

}  // namespace
}  // namespace snapkv::gguf

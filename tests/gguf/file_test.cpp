#include "gguf/file.h"

#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "gguf/temporary_file.h"
#include "gguf/writer.h"
#include "snapkv/error.h"

namespace snapkv::gguf {
namespace {

using test::Bytes;
using test::TemporaryFile;
using test::Writer;
using testing::ElementsAre;
using testing::HasSubstr;

Writer with_values() {
    Writer writer;
    writer.string("s", "text").boolean("b", true).u32("u32", 7);
    writer.raw("u64", GGUF_TYPE_UINT64, Bytes().number<std::uint64_t>(1ULL << 32U));
    writer.raw("i8", GGUF_TYPE_INT8, Bytes().number<std::int8_t>(-3));
    writer.raw("i16", GGUF_TYPE_INT16, Bytes().number<std::int16_t>(300));
    writer.raw("f32", GGUF_TYPE_FLOAT32, Bytes().number(0.5F));
    writer.raw("f64", GGUF_TYPE_FLOAT64, Bytes().number(0.25));
    writer.raw("huge", GGUF_TYPE_FLOAT64, Bytes().number(1e300));
    writer.strings("strings", {"a", "", "ccc"});
    writer.numbers<std::int32_t>("integers", GGUF_TYPE_INT32, {1, -2});
    writer.numbers<std::uint64_t>("beyond", GGUF_TYPE_UINT64, {~0ULL});
    return writer;
}

template <typename Action>
std::string message_of(const Action & action) {
    try {
        action();
    } catch (const Error & error) {
        EXPECT_EQ(error.kind(), ErrorKind::Input);
        return error.what();
    }
    return "nothing thrown";
}

TEST(File, GivesValuesOfEachKind) {
    const TemporaryFile bytes(with_values().bytes());
    const File file = File::open(bytes.path());
    EXPECT_EQ(file.path(), bytes.path());
    EXPECT_EQ(file.get_string("s"), "text");
    EXPECT_EQ(file.find_bool("b"), true);
    EXPECT_EQ(file.get_u32("u32"), 7U);
    EXPECT_EQ(file.get_u32("i16"), 300U);
    EXPECT_EQ(file.get_f32("f32"), 0.5F);
    EXPECT_EQ(file.get_f32("f64"), 0.25F);
    EXPECT_THAT(file.find_strings("strings").value(), ElementsAre("a", "", "ccc"));
    EXPECT_THAT(file.find_integers("integers").value(), ElementsAre(1, -2));
    EXPECT_THAT(file.find_integers("i8").value(), ElementsAre(-3));
    EXPECT_EQ(file.array_length("strings"), 3U);
}

TEST(File, TellsMissingFromPresent) {
    const TemporaryFile bytes(with_values().bytes());
    const File file = File::open(bytes.path());
    EXPECT_TRUE(file.has("s"));
    EXPECT_FALSE(file.has("t"));
    EXPECT_EQ(file.find_u32("t"), std::nullopt);
    EXPECT_EQ(file.find_f32("t"), std::nullopt);
    EXPECT_EQ(file.find_string("t"), std::nullopt);
    EXPECT_EQ(file.find_strings("t"), std::nullopt);
    EXPECT_EQ(file.array_length("t"), std::nullopt);
    EXPECT_EQ(file.kind("t"), "");
    EXPECT_EQ(file.kind("strings"), "arr[str]");
    EXPECT_EQ(file.kind("f64"), "f64");
}

TEST(File, NamesKeyFoundAndExpectedInErrors) {
    const TemporaryFile bytes(with_values().bytes());
    const File file = File::open(bytes.path());
    const std::string missing = message_of([&] { static_cast<void>(file.get_u32("t")); });
    EXPECT_TRUE(missing.starts_with(bytes.path().string() + ": key 't' is missing, expected")) << missing;
    EXPECT_THAT(message_of([&] { static_cast<void>(file.find_u32("s")); }), HasSubstr("key 's' is str, expected"));
    EXPECT_THAT(message_of([&] { static_cast<void>(file.find_u32("u64")); }), HasSubstr("'u64' is u64"));
    EXPECT_THAT(message_of([&] { static_cast<void>(file.find_u32("i8")); }), HasSubstr("'i8' is i8"));
    EXPECT_THAT(message_of([&] { static_cast<void>(file.find_f32("huge")); }), HasSubstr("'huge' is f64"));
    EXPECT_THAT(message_of([&] { static_cast<void>(file.find_f32("u32")); }), HasSubstr("'u32' is u32"));
    EXPECT_THAT(message_of([&] { static_cast<void>(file.find_bool("u32")); }), HasSubstr("'u32' is u32"));
    EXPECT_THAT(message_of([&] { static_cast<void>(file.find_integers("beyond")); }), HasSubstr("arr[u64]"));
    EXPECT_THAT(message_of([&] { static_cast<void>(file.find_integers("strings")); }), HasSubstr("arr[str]"));
    EXPECT_THAT(message_of([&] { static_cast<void>(file.find_strings("s")); }), HasSubstr("'s' is str"));
    EXPECT_THAT(message_of([&] { static_cast<void>(file.array_length("s")); }), HasSubstr("an array"));
}

TEST(File, GivesTensorsWithTheirBytes) {
    Writer writer;
    writer.alignment = 64;
    writer.u32("general.alignment", 64);
    writer.tensor("first", {3, 2}, GGML_TYPE_F16, std::string(12, 'a'));
    writer.tensor("second", {32}, GGML_TYPE_Q8_0, std::string(34, 'b'));
    const TemporaryFile bytes(writer.bytes());
    const File file = File::open(bytes.path());
    ASSERT_EQ(file.tensors().size(), 2U);
    const TensorInfo * second = file.find_tensor("second");
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(second->type, GGML_TYPE_Q8_0);
    EXPECT_THAT(second->ne, ElementsAre(32, 1, 1, 1));
    EXPECT_EQ(second->bytes, 34U);
    EXPECT_EQ(second->offset % 64, 0U);
    const std::span<const std::byte> data = file.data(*second);
    EXPECT_EQ(std::memcmp(data.data(), std::string(34, 'b').data(), 34), 0);
    EXPECT_EQ(file.data(file.tensors()[0]).size(), 12U);
    EXPECT_EQ(file.find_tensor("third"), nullptr);
    ASSERT_EQ(file.parts().size(), 1U);
    EXPECT_LE(file.parts()[0].header_bytes, file.tensors()[0].offset);
    EXPECT_GT(file.parts()[0].header_bytes + 64, file.tensors()[0].offset);
}

TEST(File, KeepsItsViewsWhenMoved) {
    const TemporaryFile bytes(Writer().string("s", "x").tensor("t", {4}, GGML_TYPE_I8, "data").bytes());
    File first = File::open(bytes.path());
    const std::byte * data = first.data(first.tensors()[0]).data();
    const File second = std::move(first);
    EXPECT_EQ(second.data(*second.find_tensor("t")).data(), data);
    EXPECT_EQ(second.get_string("s"), "x");
}

TEST(File, OpensVersionTwo) {
    Writer writer;
    writer.version = 2;
    const TemporaryFile bytes(writer.u32("k", 1).bytes());
    EXPECT_EQ(File::open(bytes.path()).get_u32("k"), 1U);
}

// Saved caches hold it: another would refuse those there are.
TEST(Identity, OfAFileStaysWhatItWas) {
    const TemporaryFile bytes(Writer().u32("k", 1).tensor("t", {40000}, GGML_TYPE_I8, std::string(40000, 'x')).bytes());
    EXPECT_EQ(fmt::format("{:02x}", fmt::join(identity(File::open(bytes.path())), "")),
              "b0eea4326aa3c5ed6aaf7f65691a5623b6188f55f0a014769a93be782591c6cc");
}

TEST(Identity, ChangesWithHeaderSizeAndEdgesOfTensors) {
    const std::string data(40000, 'x');
    const auto identity_with = [&](std::size_t altered, std::uint32_t value, std::size_t longer) {
        std::string changed = data;
        changed[altered] = 'y';
        const std::string bytes =
            Writer().u32("k", value).tensor("t", {40000}, GGML_TYPE_I8, changed).bytes() + std::string(longer, '\0');
        const TemporaryFile file(bytes);
        return identity(File::open(file.path()));
    };
    const auto plain = identity_with(20000, 1, 0);
    EXPECT_EQ(plain, identity_with(20000, 1, 0));
    EXPECT_EQ(plain, identity_with(25000, 1, 0)) << "the middle of a tensor is not read";
    EXPECT_NE(plain, identity_with(4095, 1, 0));
    EXPECT_NE(plain, identity_with(40000 - 4096, 1, 0));
    EXPECT_NE(plain, identity_with(20000, 2, 0));
    EXPECT_NE(plain, identity_with(20000, 1, 1));
}

}  // namespace
}  // namespace snapkv::gguf

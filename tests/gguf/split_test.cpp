// Models in several files.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <fstream>
#include <functional>
#include <optional>

#include "gguf/file.h"
#include "gguf/libllama_load.h"
#include "gguf/tiny_vocabulary.h"
#include "gguf/writer.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace snapkv::gguf {
namespace {

using test::Bytes;
using test::TinyVocabulary;
using test::Writer;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

/// Three parts, to be spoiled before they are written.
struct Parts {
    struct Part {
        std::optional<std::uint16_t> number;
        std::optional<std::uint16_t> count = 3;
        std::optional<std::int32_t> tensor_count = 4;
        std::vector<std::string> tensors;
        char fill = 'a';
        bool written = true;
        Writer writer;
    };

    Parts() {
        parts[0].writer = TinyVocabulary::bpe().written();
        parts[0].tensors = {"one"};
        parts[1].tensors = {"two", "three"};
        parts[2].tensors = {"four"};
        for (std::uint16_t i = 0; i < 3; ++i) {
            parts[i].number = i;
            parts[i].fill = static_cast<char>('a' + i);
        }
    }

    [[nodiscard]] std::filesystem::path path(std::size_t index) const {
        return folder.path() / fmt::format("{}-{:05}-of-00003.gguf", name, index + 1);
    }

    void write() const {
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const Part & part = parts[i];
            Writer writer = part.writer;
            if (part.number) {
                writer.raw("split.no", GGUF_TYPE_UINT16, Bytes().number(*part.number));
            }
            if (part.count) {
                writer.raw("split.count", GGUF_TYPE_UINT16, Bytes().number(*part.count));
            }
            if (part.tensor_count) {
                writer.raw("split.tensors.count", GGUF_TYPE_INT32, Bytes().number(*part.tensor_count));
            }
            for (const std::string & tensor : part.tensors) {
                writer.tensor(tensor, {9000}, GGML_TYPE_I8, std::string(9000, part.fill));
            }
            if (part.written) {
                const std::string bytes = writer.bytes();
                std::ofstream(path(i), std::ios::binary)
                    .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
            }
        }
    }

    test::TemporaryFolder folder;
    std::string name = "model";
    std::array<Part, 3> parts;
};

/// The message with which the model is refused once `spoil` has been at its parts, without their folder.
std::string refusal(const std::function<void(Parts &)> & spoil, std::size_t opened = 0) {
    Parts parts;
    spoil(parts);
    parts.write();
    std::string message = test::error_of(ErrorKind::Input, [&] { File::open(parts.path(opened)); });
    const std::string folder = parts.folder.path().string() + "/";
    EXPECT_THAT(message, StartsWith(folder));
    for (std::size_t at = message.find(folder); at != std::string::npos; at = message.find(folder)) {
        message.erase(at, folder.size());
    }
    return message;
}

TEST(Split, GivesTheTensorsOfAllParts) {
    Parts parts;
    parts.write();
    const File file = File::open(parts.path(0));
    EXPECT_EQ(file.path(), parts.path(0));
    ASSERT_EQ(file.parts().size(), 3U);
    ASSERT_EQ(file.tensors().size(), 4U);
    const std::vector<std::pair<std::string, std::size_t>> expected{{"one", 0}, {"two", 1}, {"three", 1}, {"four", 2}};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const auto & [name, part] = expected[i];
        EXPECT_EQ(file.tensors()[i].name, name);
        const TensorInfo * tensor = file.find_tensor(name);
        ASSERT_NE(tensor, nullptr) << name;
        EXPECT_EQ(tensor->part, part) << name;
        EXPECT_EQ(file.path_of(*tensor), parts.path(part));
        const std::span<const std::byte> data = file.data(*tensor);
        ASSERT_EQ(data.size(), 9000U);
        EXPECT_EQ(std::memcmp(data.data(), std::string(9000, parts.parts[part].fill).data(), data.size()), 0) << name;
        EXPECT_GE(data.data(), file.parts()[part].bytes.data());
        EXPECT_LE(data.data() + data.size(), file.parts()[part].bytes.data() + file.parts()[part].bytes.size());
    }
    EXPECT_EQ(file.get_string("general.name"), "tiny");
}

TEST(Split, LoadsItsVocabularyInLibllama) {
    Parts parts;
    parts.write();
    check_vocabulary(File::open(parts.path(0)));
    EXPECT_TRUE(test::loads_in_libllama(parts.path(0)));
}

TEST(Split, MayHaveNoTensorsInTheFirstPart) {
    Parts parts;
    parts.parts[0].tensors.clear();
    parts.parts[1].tensors.emplace_back("one");
    parts.write();
    EXPECT_EQ(File::open(parts.path(0)).tensors().size(), 4U);
    EXPECT_TRUE(test::loads_in_libllama(parts.path(0)));
}

TEST(Split, OfOnePartIsAWholeModel) {
    for (const std::uint16_t count : {std::uint16_t{0}, std::uint16_t{1}}) {
        Parts parts;
        parts.name = "any-name";
        parts.parts[0].count = count;
        parts.parts[1].written = parts.parts[2].written = false;
        parts.write();
        EXPECT_EQ(File::open(parts.path(0)).parts().size(), 1U);
    }
}

TEST(Split, NamesTheFirstPartWhereAnotherIsOpened) {
    EXPECT_EQ(refusal([](Parts &) {}, 1),
              "model-00002-of-00003.gguf: key 'split.no' is 1, expected 0: pass the first shard, "
              "model-00001-of-00003.gguf");
    EXPECT_THAT(refusal([](Parts & parts) { parts.parts[2].number = 1; }, 2),
                AllOf(HasSubstr("'split.no' is 1, expected 0"),
                      EndsWith("pass the first shard, a file that ends in -00001-of-00003.gguf")));
}

TEST(Split, NamesThePartThatIsMissing) {
    EXPECT_EQ(
        refusal([](Parts & parts) { parts.parts[2].written = false; }),
        "model-00003-of-00003.gguf: missing, expected a shard of model-00001-of-00003.gguf, whose key 'split.count' "
        "is 3");
}

TEST(Split, RefusesAFirstPartUnderAnotherName) {
    Parts parts;
    parts.write();
    const std::filesystem::path renamed = parts.folder.path() / "renamed.gguf";
    std::filesystem::rename(parts.path(0), renamed);
    EXPECT_THAT(test::error_of(ErrorKind::Input, [&] { File::open(renamed); }),
                AllOf(StartsWith(renamed.string() + ": key 'split.count' is 3"), HasSubstr("-00001-of-00003.gguf")));
    EXPECT_THAT(refusal([](Parts & changed) { changed.parts[0].count = 4; }),
                AllOf(HasSubstr("'split.count' is 4"), HasSubstr("-00001-of-00004.gguf")));
}

TEST(Split, RefusesPartsThatContradict) {
    EXPECT_EQ(refusal([](Parts & parts) { parts.parts[1].number = 2; }),
              "model-00002-of-00003.gguf: key 'split.no' is 2, expected 1, by the file's name");
    EXPECT_EQ(refusal([](Parts & parts) { parts.parts[2].count = 4; }),
              "model-00003-of-00003.gguf: key 'split.count' is 4, expected 3, as in model-00001-of-00003.gguf");
    EXPECT_EQ(refusal([](Parts & parts) { parts.parts[1].count.reset(); }),
              "model-00002-of-00003.gguf: key 'split.count' is missing, expected 3, as in model-00001-of-00003.gguf");
    EXPECT_EQ(refusal([](Parts & parts) { parts.parts[1].number.reset(); }),
              "model-00002-of-00003.gguf: key 'split.no' is missing, expected 1, by the file's name");
    EXPECT_EQ(refusal([](Parts & parts) { parts.parts[0].number.reset(); }),
              "model-00001-of-00003.gguf: key 'split.no' is missing, expected 0, the first shard");
}

TEST(Split, RefusesATensorInTwoParts) {
    EXPECT_EQ(refusal([](Parts & parts) { parts.parts[2].tensors = {"two"}; }),
              "model-00003-of-00003.gguf: tensor 'two' is also in model-00002-of-00003.gguf, expected it in one shard");
}

TEST(Split, RefusesAnotherNumberOfTensors) {
    const std::string first = "model-00001-of-00003.gguf: key 'split.tensors.count' is ";
    EXPECT_EQ(refusal([](Parts & parts) { parts.parts[2].tensors.clear(); }),
              first + "4, expected 3, the total of the 3 shards");
    EXPECT_EQ(refusal([](Parts & parts) { parts.parts[0].tensor_count = -1; }),
              first + "-1, expected 4, the total of the 3 shards");
    EXPECT_EQ(refusal([](Parts & parts) { parts.parts[0].tensor_count.reset(); }),
              first + "missing, expected the number of tensors in all shards");
}

TEST(Split, RefusesNumbersOfOtherTypes) {
    EXPECT_EQ(refusal([](Parts & parts) {
                  parts.parts[0].count.reset();
                  parts.parts[0].writer.u32("split.count", 3);
              }),
              "model-00001-of-00003.gguf: key 'split.count' is u32, expected u16");
    EXPECT_EQ(refusal([](Parts & parts) {
                  parts.parts[1].number.reset();
                  parts.parts[1].writer.string("split.no", "one");
              }),
              "model-00002-of-00003.gguf: key 'split.no' is str, expected u16");
    EXPECT_EQ(refusal([](Parts & parts) {
                  parts.parts[0].tensor_count.reset();
                  parts.parts[0].writer.u32("split.tensors.count", 4);
              }),
              "model-00001-of-00003.gguf: key 'split.tensors.count' is u32, expected i32");
    EXPECT_EQ(refusal([](Parts & parts) {
                  parts.parts[0].number.reset();
                  parts.parts[0].writer.numbers<std::uint16_t>("split.no", GGUF_TYPE_UINT16, {});
              }),
              "model-00001-of-00003.gguf: key 'split.no' is arr[u16], expected u16");
}

TEST(Split, RefusesADamagedPart) {
    EXPECT_EQ(refusal([](Parts & parts) { parts.parts[1].writer.magic = "GGML"; }),
              "model-00002-of-00003.gguf: not a GGUF file");
}

TEST(Split, IsIdentifiedByEveryPart) {
    const auto identity_with = [](const std::function<void(Parts &)> & change) {
        Parts parts;
        change(parts);
        parts.write();
        return identity(File::open(parts.path(0)));
    };
    const auto plain = identity_with([](Parts &) {});
    EXPECT_EQ(plain, identity_with([](Parts & parts) { parts.name = "another-name"; }));
    for (std::size_t part = 0; part < 3; ++part) {
        EXPECT_NE(plain, identity_with([&](Parts & parts) { parts.parts[part].fill = 'x'; })) << part;
        EXPECT_NE(plain, identity_with([&](Parts & parts) { parts.parts[part].writer.u32("key", 1); })) << part;
    }
}

}  // namespace
}  // namespace snapkv::gguf

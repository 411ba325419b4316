#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stop_token>
#include <streambuf>
#include <string>

#include "run/tiny_run.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Takes so many bytes and then no more; like a pipe it cannot seek.
class Pipe : public std::streambuf {
public:
    explicit Pipe(std::size_t most) : left_(most) {}

    [[nodiscard]] const std::string & bytes() const { return bytes_; }

private:
    int_type overflow(int_type c) override {
        if (left_ == 0 || traits_type::eq_int_type(c, traits_type::eof())) {
            return traits_type::eof();
        }
        --left_;
        bytes_ += traits_type::to_char_type(c);
        return c;
    }

    std::size_t left_;
    std::string bytes_;
};

class SavedStreams : public ::testing::Test {
protected:
    test::TinyRun run_;
    Session session_ = run_.session();
    Sequence sequence_ = [&] {
        Sequence sequence = test::prefill_one(
            session_, test::branch_of(test::random_tokens(200, 1), test::snapkv_cache(64, 16, KvType::F16)));
        test::greedy(session_, sequence, 5);
        return sequence;
    }();

    [[nodiscard]] std::string saved() const {
        std::ostringstream to;
        EXPECT_TRUE(session_.save(sequence_, to));
        return to.str();
    }
    [[nodiscard]] std::string refusal(const std::string & bytes) const {
        std::istringstream from(bytes);
        return test::error_of(ErrorKind::Input, [&] { static_cast<void>(session_.load(from, "upload")); });
    }
};

TEST_F(SavedStreams, HoldWhatAFileHolds) {
    const test::TemporaryFolder folder;
    ASSERT_TRUE(session_.save(sequence_, folder.path() / "cache"));
    std::ifstream file(folder.path() / "cache", std::ios::binary);
    EXPECT_EQ(saved(), std::string(std::istreambuf_iterator<char>(file), {}));
}

TEST_F(SavedStreams, NeedNotSeek) {
    Pipe pipe(saved().size());
    std::ostream to(&pipe);
    EXPECT_TRUE(session_.save(sequence_, to));
    EXPECT_EQ(pipe.bytes(), saved());
}

TEST_F(SavedStreams, GoOnAsTheSequenceDoes) {
    std::istringstream from(saved());
    Sequence loaded = session_.load(from, "upload");
    EXPECT_EQ(loaded.kept_positions(), sequence_.kept_positions());
    EXPECT_EQ(test::greedy(session_, loaded, 6), test::greedy(session_, sequence_, 6));
    EXPECT_TRUE(test::same_bits(loaded.logits(), sequence_.logits()));
}

TEST_F(SavedStreams, AreReadNoFurtherThanTheirEnd) {
    std::istringstream from(saved() + saved() + "and more");
    const Sequence first = session_.load(from, "upload");
    const Sequence second = session_.load(from, "upload");
    EXPECT_TRUE(std::ranges::equal(first.tokens(), second.tokens()));
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(from), {}), "and more");
}

TEST_F(SavedStreams, ThatEndEarlyAreRefused) {
    const std::string whole = saved();
    EXPECT_EQ(refusal(""), "upload: cut short: 0 bytes, a saved cache begins with 32");
    EXPECT_EQ(refusal(whole.substr(0, 20)), "upload: cut short: 20 bytes, a saved cache begins with 32");
    for (const std::size_t length : {std::size_t{32}, std::size_t{100}, whole.size() / 2, whole.size() - 1}) {
        EXPECT_THAT(refusal(whole.substr(0, length)),
                    StartsWith("upload: cut short: " + std::to_string(length - 32) + " bytes of contents"));
    }
}

TEST_F(SavedStreams, ThatAreAlteredAreRefused) {
    const std::string whole = saved();
    for (const std::size_t place :
         {std::size_t{0}, std::size_t{9}, std::size_t{13}, whole.size() / 2, whole.size() - 1}) {
        std::string altered = whole;
        altered[place] = static_cast<char>(altered[place] ^ 1);
        EXPECT_THAT(refusal(altered), StartsWith("upload: ")) << place;
    }
    std::string checksum = whole;
    checksum[24] = static_cast<char>(checksum[24] ^ 1);
    EXPECT_THAT(refusal(checksum), HasSubstr("the checksum of its contents is"));
}

TEST_F(SavedStreams, ThatClaimMoreThanThereIsMemoryAreRefused) {
    std::string huge = saved();
    for (const std::size_t place : {22U, 21U, 20U}) {
        huge[place] = '\x7F';
    }
    std::istringstream from(huge);
    EXPECT_THAT(test::error_of(ErrorKind::Machine, [&] { static_cast<void>(session_.load(from, "upload")); }),
                HasSubstr("upload: takes "));
}

TEST_F(SavedStreams, ThatFailAreErrors) {
    for (const std::size_t most : {std::size_t{0}, std::size_t{40}, saved().size() - 1}) {
        Pipe pipe(most);
        std::ostream to(&pipe);
        EXPECT_EQ(test::error_of(ErrorKind::Machine, [&] { static_cast<void>(session_.save(sequence_, to)); }),
                  "the stream to which a sequence is saved has failed");
    }
}

TEST_F(SavedStreams, CanBeStopped) {
    std::ostringstream to;
    std::stop_source source;
    const CallOptions call{.stop = source.get_token(),
                           .progress = [&](const CallProgress &) { source.request_stop(); }};
    EXPECT_FALSE(session_.save(sequence_, to, call));
    EXPECT_LT(to.str().size(), saved().size());
}

}  // namespace
}  // namespace snapkv

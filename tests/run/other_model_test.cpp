#include <fmt/core.h>
#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "run/tiny_run.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

/// Rows mean something under the weights and the rotation that made them, whatever their shape.
class OtherModel : public ::testing::Test {
protected:
    test::TinyRun run_;
    Session session_ = run_.session();
    Branch branch_ = test::branch_of(test::random_tokens(100, 1), test::full_cache());
    Sequence sequence_ = test::prefill_one(session_, branch_);

    void expect_refused_by(Session & session) {
        const std::vector<Token> more = test::random_tokens(3, 2);
        const test::TemporaryFolder folder;
        const auto refusal = [](const auto & action) { return test::error_of(ErrorKind::Usage, action); };
        const char * const expected =
            "the sequence was made with another model, or another RoPE setting, than the "
            "session's";
        EXPECT_EQ(refusal([&] { session.append(sequence_, more); }), expected);
        EXPECT_EQ(refusal([&] { test::greedy(session, sequence_, 1); }), expected);
        EXPECT_EQ(refusal([&] { static_cast<void>(session.save(sequence_, folder.path() / "cache")); }), expected);
        EXPECT_EQ(sequence_.tokens().size(), 100U);
    }
    void expect_taken_by(Session & session) {
        Sequence one = sequence_.fork();
        Sequence other = sequence_.fork();
        EXPECT_EQ(test::greedy(session, one, 5), test::greedy(session_, other, 5));
    }
};

TEST_F(OtherModel, OfTheSameShapeIsRefused) {
    const test::TinyRun other({.seed = 2});
    ASSERT_EQ(other.model.info().cache_bytes_per_token(KvType::F16),
              run_.model.info().cache_bytes_per_token(KvType::F16));
    Session session = other.session();
    expect_refused_by(session);
}

TEST_F(OtherModel, UnderAnotherRotationIsRefused) {
    ModelOptions options;
    options.rope.freq_base = 5000.0F;
    Session session(Model::load(run_.file.path(), options));
    expect_refused_by(session);
}

TEST_F(OtherModel, IsTheSameInAnotherSession) {
    Session session = run_.session(64);
    expect_taken_by(session);
}

TEST_F(OtherModel, IsTheSameFromTheSameFile) {
    Session session(Model::load(run_.file.path()), {.threads = 1});
    expect_taken_by(session);
}

TEST_F(OtherModel, IsNotNeededAfterItsSequences) {
    std::optional<test::TinyRun> gone(std::in_place, test::TinyShape{.seed = 3});
    std::optional<Session> session(gone->session());
    const Sequence sequence = test::prefill_one(*session, branch_);
    session.reset();
    gone.reset();
    EXPECT_EQ(sequence.fork().tokens().size(), 100U);
}

TEST(TokenIds, ThatAreNotInTheVocabularyAreErrors) {
    const test::TinyRun run;
    Session session = run.session();
    const auto size = static_cast<Token>(run.model.info().vocabulary);
    Sequence sequence = test::prefill_one(session, test::branch_of(test::random_tokens(50, 1), test::full_cache()));
    for (const Token bad : {-1, size, std::numeric_limits<Token>::min(), std::numeric_limits<Token>::max()}) {
        const std::string expected = fmt::format("token {} is not in the vocabulary of {}", bad, size);
        const auto refusal = [](const auto & action) { return test::error_of(ErrorKind::Input, action); };
        EXPECT_EQ(refusal([&] { static_cast<void>(run.model.piece(bad)); }), expected);
        EXPECT_EQ(refusal([&] { session.append(sequence, std::vector<Token>{1, bad}); }), expected);
        const Branch branch = test::branch_of({1, bad, 2}, test::full_cache());
        EXPECT_EQ(refusal([&] { static_cast<void>(session.prefill({&branch, 1})); }), expected);
        EXPECT_EQ(refusal([&] { static_cast<void>(session.estimate({&branch, 1})); }), expected);
    }
    EXPECT_EQ(sequence.tokens().size(), 50U);
    EXPECT_NO_THROW(static_cast<void>(run.model.piece(size - 1)));
}

}  // namespace
}  // namespace snapkv

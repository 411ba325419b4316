#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "run/tiny_run.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

using ::testing::HasSubstr;

class Calls : public ::testing::Test {
protected:
    test::TinyRun run_;
    Session session_ = run_.session(64);
    Branch branch_ = test::branch_of(test::random_tokens(300, 1), test::snapkv_cache(64, 16));
    std::stop_source source_;
    std::vector<CallProgress> told_;

    [[nodiscard]] CallOptions told() {
        return {.progress = [&](const CallProgress & progress) { told_.push_back(progress); }};
    }
    /// Stopped when it tells for the `time`-th time.
    [[nodiscard]] CallOptions stopped_at(std::size_t time) {
        source_ = {};
        return {.stop = source_.get_token(), .progress = [this, time, count = std::size_t{0}](const auto &) mutable {
                    if (++count == time) {
                        source_.request_stop();
                    }
                }};
    }
    [[nodiscard]] static CallOptions too_late() { return {.deadline = std::chrono::steady_clock::now()}; }

    /// Progress that never goes back and ends at its total.
    void expect_told(std::uint64_t total) {
        ASSERT_FALSE(told_.empty());
        for (std::size_t i = 1; i < told_.size(); ++i) {
            EXPECT_GE(told_[i].done, told_[i - 1].done);
            EXPECT_GE(told_[i].seconds, told_[i - 1].seconds);
        }
        EXPECT_EQ(told_.back().done, total);
        EXPECT_EQ(told_.back().total, total);
        EXPECT_EQ(told_.back().seconds_left, 0);
        told_.clear();
    }
    void expect_untouched() {
        const Sequence found = test::prefill_one(session_, branch_);
        Session fresh = run_.session(64);
        const Sequence expected = test::prefill_one(fresh, branch_);
        EXPECT_TRUE(test::same_bits(found.logits(), expected.logits()));
    }
};

TEST_F(Calls, EndAPrefill) {
    for (const std::size_t time : {1U, 4U, 9U}) {
        EXPECT_TRUE(session_.prefill({&branch_, 1}, {}, stopped_at(time)).stats.interrupted);
    }
    EXPECT_TRUE(session_.prefill({&branch_, 1}, {}, too_late()).stats.interrupted);
    EXPECT_FALSE(
        session_.prefill({&branch_, 1}, {}, {.deadline = std::chrono::steady_clock::now() + std::chrono::hours(1)})
            .stats.interrupted);
    expect_untouched();
}

TEST_F(Calls, TellHowFarAPrefillIs) {
    ASSERT_EQ(session_.prefill({&branch_, 1}, {}, told()).sequences.size(), 1U);
    EXPECT_EQ(told_.back().layers, run_.model.info().layers);
    EXPECT_EQ(told_.back().tokens, 300U);
    expect_told(std::uint64_t{300} * run_.model.info().layers);
}

TEST_F(Calls, EndBetweenTheUnitsOfATask) {
    PrefillTask task = session_.begin_prefill({&branch_, 1});
    EXPECT_TRUE(task.advance());
    EXPECT_FALSE(task.advance(too_late()));
    EXPECT_TRUE(task.done());
    EXPECT_TRUE(task.take().stats.interrupted);
    expect_untouched();
}

TEST_F(Calls, PassOnWhatAListenerThrows) {
    const CallOptions throws{.progress = [](const CallProgress &) { throw std::runtime_error("enough"); }};
    EXPECT_THROW(static_cast<void>(session_.prefill({&branch_, 1}, {}, throws)), std::runtime_error);
    Sequence sequence = test::prefill_one(session_, branch_);
    EXPECT_THROW(session_.append(sequence, test::random_tokens(3, 2), {}, throws), std::runtime_error);
    EXPECT_EQ(sequence.tokens().size(), 303U) << "they had their rows";
    expect_untouched();
}

TEST_F(Calls, MeasureNothingOnceTheyAreLate) {
    EXPECT_EQ(session_.estimate({&branch_, 1}, 8, {}, too_late()).seconds, 0);
    EXPECT_GT(session_.estimate({&branch_, 1}, 8).seconds, 0);
}

TEST_F(Calls, EndAnAppend) {
    Sequence sequence = test::prefill_one(session_, branch_);
    Sequence undisturbed = sequence.fork();
    const std::vector<Token> turn = test::random_tokens(700, 2);
    EXPECT_EQ(session_.append(sequence, turn, {}, stopped_at(2)).tokens, 0U);
    // Eight chunks of 64 pass each layer together, and tell of each.
    const AppendStats first = session_.append(sequence, turn, {}, stopped_at(8 * run_.model.info().layers + 1));
    EXPECT_TRUE(first.interrupted);
    EXPECT_EQ(first.tokens, 512U);
    EXPECT_EQ(session_.append(sequence, std::span(turn).subspan(512), {}, too_late()).tokens, 0U);
    EXPECT_FALSE(session_.append(sequence, std::span(turn).subspan(512), {}, told()).interrupted);
    EXPECT_GE(told_.size(), 3 * run_.model.info().layers);
    expect_told(188);
    session_.append(undisturbed, turn);
    EXPECT_TRUE(std::ranges::equal(sequence.tokens(), undisturbed.tokens()));
    EXPECT_TRUE(session_.step(std::vector{&sequence}, std::vector{Token{1}}, too_late()).interrupted);
    EXPECT_TRUE(std::ranges::equal(sequence.tokens(), undisturbed.tokens()));
}

TEST_F(Calls, EndAGeneration) {
    Sequence sequence = test::prefill_one(session_, branch_);
    Sequence undisturbed = sequence.fork();
    GenerateOptions options;
    options.max_tokens = 12;
    const Generation whole = session_.generate(undisturbed, options, {}, told());
    expect_told(whole.tokens.size());
    const Generation cut = session_.generate(sequence, options, {}, stopped_at(3));
    EXPECT_EQ(cut.reason, StopReason::Interrupt);
    EXPECT_EQ(cut.tokens.size(), 3U);
    EXPECT_EQ(session_.generate(sequence, options, {}, too_late()).reason, StopReason::Interrupt);
    options.max_tokens = 9;
    EXPECT_EQ(test::joined(cut.tokens, session_.generate(sequence, options).tokens), whole.tokens);
}

TEST_F(Calls, EndWorkOnTexts) {
    const auto expect_late = [](const std::function<void()> & call) {
        EXPECT_THAT(test::error_of(ErrorKind::Interrupted, call), HasSubstr("interrupted while"));
    };
    const Model & model = run_.model;
    Sequence sequence = test::prefill_one(session_, branch_);
    expect_late([&] { static_cast<void>(model.tokenize("text", true, false, too_late())); });
    expect_late([&] { static_cast<void>(model.raw_prompt("text", {}, {}, too_late())); });
    expect_late([&] { static_cast<void>(model.chat_prompt("text", {}, "\n\n", {}, too_late())); });
    expect_late([&] { static_cast<void>(session_.turn_tokens(sequence, "text", true, false, too_late())); });
    expect_late([&] { model.check_grammar("root ::= \"a\"", too_late()); });
    expect_late([&] { static_cast<void>(model.schema_grammar("{}", too_late())); });
    EXPECT_FALSE(model.chat_prompt("text").tokens.empty()) << "an interruption is not remembered";
    std::string text;
    for (int i = 0; i < 10'000; ++i) {
        text += "some words ";
    }
    static_cast<void>(model.tokenize(text, true, false, told()));
    EXPECT_GT(told_.size(), 1U);
    expect_told(text.size());
}

TEST_F(Calls, EndTheLoadingOfAModel) {
    EXPECT_EQ(test::error_of(ErrorKind::Interrupted,
                             [&] { static_cast<void>(Model::load(run_.file.path(), {}, stopped_at(1))); }),
              "interrupted while loading the model");
    EXPECT_EQ(test::error_of(ErrorKind::Interrupted,
                             [&] { static_cast<void>(Model::load(run_.file.path(), {}, too_late())); }),
              "interrupted while loading the model");
    const Model model = Model::load(run_.file.path(), {}, told());
    expect_told(model.info().weight_bytes);
}

TEST_F(Calls, EndSavingAndLoading) {
    const test::TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "cache";
    const Sequence sequence = test::prefill_one(session_, branch_);
    EXPECT_FALSE(session_.save(sequence, path, too_late()));
    EXPECT_FALSE(std::filesystem::exists(path));
    ASSERT_TRUE(session_.save(sequence, path, told()));
    const std::uint64_t contents = told_.back().total;
    EXPECT_GT(contents, sequence.cache_stats().bytes_kept);
    EXPECT_LT(contents, std::filesystem::file_size(path));
    expect_told(contents);
    EXPECT_EQ(test::error_of(ErrorKind::Interrupted, [&] { static_cast<void>(session_.load(path, too_late())); }),
              "interrupted while a saved cache is checked");
    static_cast<void>(session_.load(path, told()));
    expect_told(contents);
}

TEST_F(Calls, EndTheSavingOfADocument) {
    const test::TemporaryFolder folder;
    PrefillTask task = session_.begin_prefill({&branch_, 1}, {.hold = 200});
    while (task.advance()) {
    }
    const Document document = *task.document();
    const std::filesystem::path path = folder.path() / "document";
    EXPECT_FALSE(session_.save_document(document, path, stopped_at(1)));
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_TRUE(session_.save_document(document, path, told()));
    expect_told(run_.model.info().layers);
}

}  // namespace
}  // namespace snapkv

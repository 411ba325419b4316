#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

#include "base/reservation.h"
#include "run/model_impl.h"
#include "run/tiny_run.h"
#include "support/child.h"
#include "support/error_of.h"
#include "support/sanitizers.h"

namespace snapkv {
namespace {

using test::Ending;

/// Where memory or threads end, at whatever call, the library says so: it does not abort, and nothing else leaves it.
class Shortage : public ::testing::TestWithParam<ProductPath> {
protected:
    test::TinyRun run_{{.width = 128, .feed_forward = 256}};

    /// A session's life with so much memory beside what there is.
    [[nodiscard]] Ending life_within(std::size_t bytes) const {
        return test::in_child([&] {
            test::limit_memory(bytes);
            SessionOptions options;
            options.threads = 2;
            options.products = GetParam();
            options.batch = 128;
            Session session = run_.session(options);
            const Branch branch = test::branch_of(test::random_tokens(600, 1), test::snapkv_cache(128, 16));
            Sequence sequence = test::prefill_one(session, branch);
            test::greedy(session, sequence, 3);
            session.append(sequence, test::random_tokens(200, 2));
            session.step_tree(sequence, test::random_tokens(4, 3), std::array{-1, 0, 0, -1});
            session.keep_path(sequence, 2);
            static_cast<void>(sequence.fork());
        });
    }
};

TEST_P(Shortage, OfMemoryIsAnErrorWhereverItComes) {
    if (test::kSanitized) {
        return;  // a sanitizer ends the process where it gets no memory for itself
    }
    std::map<Ending, int> endings;
    for (std::size_t bytes = 0; bytes < std::size_t{160} << 20U; bytes += std::size_t{4400} << 10U) {
        const Ending ending = life_within(bytes);
        ASSERT_TRUE(ending == Ending::Success || ending == Ending::MachineError)
            << static_cast<int>(ending) << " within " << bytes << " bytes";
        ++endings[ending];
    }
    EXPECT_GT(endings[Ending::MachineError], 0);
    EXPECT_GT(endings[Ending::Success], 0) << "with enough of it, it lives";
}

INSTANTIATE_TEST_SUITE_P(Products, Shortage, ::testing::Values(ProductPath::Auto, ProductPath::Stored),
                         [](const auto & param) {
                             return std::string(param.param == ProductPath::Stored ? "Stored" : "Auto");
                         });

TEST(ShortageOfThreads, IsAnError) {
    const test::TinyRun run;
    EXPECT_EQ(test::in_child([&] {
                  test::forbid_threads();
                  const Session session = run.session();
              }),
              Ending::MachineError);
}

/// Leaves this process `bytes` of addresses as long as the object lives.
class FewAddresses {
public:
    explicit FewAddresses(std::size_t bytes) {
        ::getrlimit(RLIMIT_AS, &before_);
        std::uint64_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages;
        const ::rlimit limit{pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) + bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_AS, &limit);
    }
    ~FewAddresses() { ::setrlimit(RLIMIT_AS, &before_); }
    FewAddresses(const FewAddresses &) = delete;
    FewAddresses & operator=(const FewAddresses &) = delete;

private:
    ::rlimit before_{};
};

TEST(ShortageOfMemory, IsAnAnswerOfTheEstimateAndARefusalOfThePrefill) {
    if (test::kSanitized) {
        return;
    }
    const test::TinyRun run({.context = 200000});
    Session session = run.session(512);
    const Branch branch = test::branch_of(test::random_tokens(150000, 1), test::full_cache(KvType::F16));
    const Estimate enough = session.estimate({&branch, 1}, 100);
    EXPECT_TRUE(enough.fits());
    Estimate little;
    std::string refusal;
    {
        const FewAddresses limit(std::size_t{40} << 20U);
        little = session.estimate({&branch, 1}, 100);
        refusal = test::error_of(ErrorKind::Machine, [&] { static_cast<void>(session.prefill({&branch, 1})); });
    }
    EXPECT_FALSE(little.fits());
    EXPECT_LE(little.bytes_available, std::uint64_t{42} << 20U);
    EXPECT_EQ(little.prompt_tokens, enough.prompt_tokens);
    EXPECT_EQ(little.hidden_bytes, enough.hidden_bytes);
    EXPECT_EQ(little.cache_bytes, enough.cache_bytes);
    EXPECT_LE(little.bytes_needed, enough.bytes_needed);
    EXPECT_GE(little.bytes_needed, enough.hidden_bytes + enough.cache_bytes);
    EXPECT_TRUE(refusal.starts_with("a prefill of 150000 tokens needs ")) << refusal;
}

// Mapped weights count once: a model loads where its file, its vocabulary and some threads have room.
TEST(ShortageOfMemory, AModelLoadsOrSaysWhyNot) {
    if (test::kSanitized) {
        return;
    }
    const std::size_t file = std::filesystem::file_size(SNAPKV_TEST_MODEL);
    std::map<Ending, int> endings;
    for (std::size_t bytes = 0; bytes < file + (std::size_t{90} << 20U); bytes += std::size_t{6100} << 10U) {
        const Ending ending = test::in_child([&] {
            test::limit_memory(bytes);
            static_cast<void>(Model::load(SNAPKV_TEST_MODEL));
        });
        ASSERT_TRUE(ending == Ending::Success || ending == Ending::MachineError)
            << static_cast<int>(ending) << " within " << bytes << " bytes";
        ++endings[ending];
    }
    EXPECT_GT(endings[Ending::MachineError], 0);
    EXPECT_GT(endings[Ending::Success], 0);
}

/// Much of what it takes is the buffer of the graph, which stays with the session.
const test::TinyShape kWide{.feed_forward = 4096, .context = 8192};

SessionOptions in_large_chunks() {
    SessionOptions options;
    options.threads = 1;
    options.batch = 4096;
    options.products = ProductPath::Stored;
    return options;
}

TEST(ShortageOfMemory, ASessionsOwnBuffersAreThereForTheNextPrefill) {
    if (test::kSanitized) {
        return;
    }
    const test::TinyRun run(kWide);
    const Branch branch = test::branch_of(test::random_tokens(4096, 1), test::full_cache());
    EXPECT_EQ(test::in_child([&] {
                  Session session = run.session(in_large_chunks());
                  const Estimate first = session.estimate({&branch, 1}, 1);
                  const FewAddresses limit(std::size_t{60} << 20U);  // but for what the session has
                  if (first.compute_bytes < std::uint64_t{100} << 20U || !session.estimate({&branch, 1}, 1).fits()) {
                      throw std::logic_error("no test of it");
                  }
                  static_cast<void>(test::prefill_one(session, branch));
                  static_cast<void>(test::prefill_one(session, branch));
              }),
              Ending::Success);
}

TEST(ShortageOfMemory, WhatTheSystemRefusesToAGraphDoesNotFit) {
    if (test::kSanitized) {
        return;
    }
    const test::TinyRun run(kWide);
    const Branch branch = test::branch_of(test::random_tokens(4096, 1), test::full_cache());
    Session session = run.session(in_large_chunks());
    Estimate estimate;
    std::string refusal;
    {
        const FewAddresses limit(std::size_t{50} << 20U);  // enough for all but the graph
        estimate = session.estimate({&branch, 1}, 1);
        refusal = test::error_of(ErrorKind::Machine, [&] { static_cast<void>(session.prefill({&branch, 1})); });
    }
    EXPECT_LT(estimate.hidden_bytes + estimate.cache_bytes + estimate.compute_bytes, std::size_t{50} << 20U);
    EXPECT_FALSE(estimate.fits());
    EXPECT_TRUE(refusal.find(" and buffers, which the system refused; ") != std::string::npos) << refusal;
}

// The hidden states of eight chunks together take the most of it; without room for them they go in parts.
TEST(ShortageOfMemory, OfALongTurnTakesFewerChunksAtOnce) {
    if (test::kSanitized) {
        return;
    }
    constexpr std::uint32_t kTurn = 8192;
    const test::TinyRun run({.layers = 1,
                             .heads = 1,
                             .kv_heads = 1,
                             .key_size = 64,
                             .value_size = 64,
                             .width = 4096,
                             .feed_forward = 64,
                             .context = 2 * kTurn});
    const std::vector<Token> turn = test::random_tokens(kTurn, 2);
    SessionOptions options;
    options.threads = 1;
    options.batch = kTurn / 8;
    Session session = run.session(options);
    Sequence sequence =
        test::prefill_one(session, test::branch_of(test::random_tokens(600, 1), test::full_cache(KvType::F16)));
    Sequence undisturbed = sequence.fork();
    session.append(undisturbed, turn);
    {
        const FewAddresses limit(std::size_t{110} << 20U);
        ASSERT_LT(unreserved_memory(), std::uint64_t{kTurn} * 4096 * sizeof(float));
        session.append(sequence, turn);
    }
    EXPECT_TRUE(test::same_bits(sequence.logits(), undisturbed.logits()));
}

TEST(ShortageOfMemory, CountsWhatTheVocabularyHolds) {
    const Model model = Model::load(SNAPKV_TEST_MODEL);
    if (test::kSanitized) {
        return;  // a sanitizer's allocator counts for itself
    }
    EXPECT_GT(Internals::of(model)->held_bytes(), std::uint64_t{2} << 20U) << "of 49,152 tokens";
}

}  // namespace
}  // namespace snapkv

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "run/sequence_impl.h"
#include "run/tiny_run.h"
#include "support/error_of.h"

namespace snapkv {
namespace {

/// Bytes of one block of the tail.
std::uint64_t block_bytes(const kv::Tail & tail) {
    std::uint64_t bytes = 0;
    for (const kv::LayerShape & shape : tail.shapes()) {
        bytes += shape.kv_heads * shape.row_bytes() * kv::Tail::kBlockRows;
    }
    return bytes;
}

/// An append that ends halfway, wherever that is, leaves a sequence to go on from.
class AppendFailure : public ::testing::Test {
protected:
    std::atomic<bool> stop_{false};
    test::TinyRun run_;
    Session session_ = run_.session(options());
    Branch branch_ = test::branch_of(test::random_tokens(150, 141), test::snapkv_cache(64, 16));
    std::vector<Token> turn_ = test::random_tokens(700, 142);  ///< eight chunks of 64 and some

    [[nodiscard]] SessionOptions options() const {
        SessionOptions options;
        options.threads = 1;
        options.batch = 64;
        options.stop = &stop_;
        return options;
    }

    /// A sequence's tail, made empty in this arena.
    static kv::Tail & tail_in(kv::Arena & arena, Sequence & sequence) {
        kv::Tail & tail = Internals::of(sequence).rows.tail;
        return tail = kv::Tail(arena, tail.shapes(), tail.first());
    }
};

TEST_F(AppendFailure, ByTheStopFlagAtAnyMoment) {
    Sequence origin = test::prefill_one(session_, branch_);
    test::greedy(session_, origin, 2);
    Sequence undisturbed = origin.fork();
    session_.append(undisturbed, turn_);
    for (const int microseconds : {0, 200, 1000, 3000, 9000}) {
        SCOPED_TRACE(microseconds);
        Sequence sequence = origin.fork();
        std::thread stopper([&] {
            std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
            stop_ = true;
        });
        const AppendStats stats = session_.append(sequence, turn_);
        stopper.join();
        stop_ = false;
        // The pending token is among those that were fed, if any were.
        const std::size_t fed = stats.tokens == 0 ? 0 : stats.tokens - 1;
        EXPECT_EQ(stats.interrupted, fed < turn_.size());
        ASSERT_EQ(sequence.tokens().size(), origin.tokens().size() + fed);
        EXPECT_EQ(Internals::of(sequence).next_position() + (Internals::of(sequence).pending ? 1 : 0),
                  sequence.tokens().size());
        session_.append(sequence, std::span(turn_).subspan(fed));
        EXPECT_TRUE(test::same_bits(sequence.logits(), undisturbed.logits()));
    }
}

TEST_F(AppendFailure, ByTheEndOfMemory) {
    Sequence sequence = test::prefill_one(session_, branch_);
    Sequence undisturbed = sequence.fork();
    session_.append(undisturbed, turn_);
    kv::Arena arena;
    const kv::Tail & tail = tail_in(arena, sequence);
    arena.set_limit(2 * block_bytes(tail));  // 512 rows: what follows the first eight chunks finds no room
    test::error_of(ErrorKind::Machine, [&] { session_.append(sequence, turn_); });
    EXPECT_EQ(sequence.tokens().size(), 150U + 512);
    EXPECT_EQ(tail.rows(), 512U);
    arena.set_limit(3 * block_bytes(tail));
    session_.append(sequence, std::span(turn_).subspan(512));
    EXPECT_TRUE(test::same_bits(sequence.logits(), undisturbed.logits()));
}

TEST_F(AppendFailure, OfManyChunksTriesFewer) {
    Sequence sequence = test::prefill_one(session_, branch_);
    Sequence undisturbed = sequence.fork();
    session_.append(undisturbed, turn_);
    kv::Arena arena;
    const kv::Tail & tail = tail_in(arena, sequence);
    arena.set_limit(block_bytes(tail));  // eight chunks find no room, four do
    test::error_of(ErrorKind::Machine, [&] {
        session_.append(sequence, turn_, {.scoring = {.tokens = static_cast<std::uint32_t>(turn_.size())}});
    });
    EXPECT_EQ(sequence.tokens().size(), 150U + 256);
    EXPECT_EQ(tail.rows(), 256U);
    arena.set_limit(3 * block_bytes(tail));
    session_.append(sequence, std::span(turn_).subspan(256));
    EXPECT_TRUE(test::same_bits(sequence.logits(), undisturbed.logits()));
}

TEST_F(AppendFailure, OfAChunkThatNeedsSeveralBlocks) {
    SessionOptions options;
    options.threads = 1;
    Session session = run_.session(options);  // chunks of 512
    Sequence sequence = test::prefill_one(session, branch_);
    Sequence undisturbed = sequence.fork();
    session.append(undisturbed, std::span(turn_).first(100));
    kv::Arena arena;
    const kv::Tail & tail = tail_in(arena, sequence);
    arena.set_limit(block_bytes(tail));
    test::error_of(ErrorKind::Machine, [&] { session.append(sequence, turn_); });
    EXPECT_EQ(tail.rows(), 0U);
    EXPECT_EQ(arena.meter().alive(), 0U);
    session.append(sequence, std::span(turn_).first(100));
    EXPECT_TRUE(test::same_bits(sequence.logits(), undisturbed.logits()));
}

}  // namespace
}  // namespace snapkv

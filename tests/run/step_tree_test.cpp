// Trees of tokens behind a sequence: each token as if its path had been appended, and so is the path that is kept.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "model/family.h"
#include "run/loaded_family.h"
#include "run/sequence_impl.h"
#include "run/tiny_run.h"
#include "snapkv/error.h"
#include "support/error_of.h"

namespace snapkv {
namespace {

using ::testing::HasSubstr;

/// Tokens and whom they continue.
struct Tree {
    std::vector<Token> tokens;
    std::vector<std::int32_t> parents;

    [[nodiscard]] std::vector<Token> path_to(std::size_t token) const {
        std::vector<Token> path;
        for (auto at = static_cast<std::int32_t>(token); at >= 0; at = parents[static_cast<std::size_t>(at)]) {
            path.insert(path.begin(), tokens[static_cast<std::size_t>(at)]);
        }
        return path;
    }
};

Tree bush(std::uint32_t seed = 9) {
    return {test::random_tokens(8, seed), {-1, 0, 0, 2, -1, 1, 3, 6}};
}
Tree chain(std::size_t count) {
    Tree tree{test::random_tokens(count, 10), std::vector<std::int32_t>(count)};
    std::iota(tree.parents.begin(), tree.parents.end(), -1);
    return tree;
}
Tree random_tree(test::Random & random) {
    Tree tree{random.tokens(1 + random.below(kMostTreeTokens)), {}};
    for (std::uint32_t token = 0; token < tree.tokens.size(); ++token) {
        tree.parents.push_back(static_cast<std::int32_t>(random.below(token + 1)) - 1);
    }
    return tree;
}

AppendStats step(Session & session, Sequence & sequence, const Tree & tree) {
    return session.step_tree(sequence, tree.tokens, tree.parents);
}

Sequence appended(Session & session, const Sequence & origin, const std::vector<Token> & tokens) {
    Sequence sequence = origin.fork();
    for (const Token token : tokens) {
        session.append(sequence, {&token, 1});
    }
    return sequence;
}

/// Each token of the tree has the bits of its path token by token, and so has what goes on from a path that is kept.
void expect_chains(Session & session, const Sequence & origin, const Tree & tree) {
    Sequence sequence = origin.fork();
    EXPECT_EQ(step(session, sequence, tree).tokens, tree.tokens.size());
    EXPECT_EQ(sequence.tree_tokens(), tree.tokens.size());
    EXPECT_TRUE(std::ranges::equal(sequence.tokens(), origin.tokens()));
    EXPECT_TRUE(test::same_bits(sequence.logits(), origin.logits()));
    for (std::size_t token = 0; token < tree.tokens.size(); ++token) {
        SCOPED_TRACE(token);
        const std::vector<Token> path = tree.path_to(token);
        Sequence expected = appended(session, origin, path);
        EXPECT_TRUE(test::same_bits(sequence.tree_logits(token), expected.logits()));
        Sequence kept = origin.fork();
        step(session, kept, tree);
        EXPECT_EQ(session.keep_path(kept, token).tokens, path.size());
        EXPECT_EQ(kept.tree_tokens(), 0U);
        EXPECT_TRUE(std::ranges::equal(kept.tokens(), expected.tokens()));
        EXPECT_TRUE(test::same_bits(kept.logits(), expected.logits()));
        EXPECT_EQ(test::greedy(session, kept, 3), test::greedy(session, expected, 3));
        EXPECT_TRUE(test::same_bits(kept.logits(), expected.logits()));
    }
}

class StepTreeTypes : public ::testing::TestWithParam<KvTypes> {};

TEST_P(StepTreeTypes, HasTheBitsOfItsChainsWhereverTheTailEnds) {
    const test::TinyRun run({.key_size = 32, .value_size = 32});
    Session session = run.session();
    for (const CacheConfig & cache : {test::snapkv_cache(64, 16, GetParam()), test::full_cache(GetParam())}) {
        Sequence sequence = test::prefill_one(session, test::branch_of(test::random_tokens(300, 1), cache));
        for (const std::size_t rows : {0U, 3U, 64U, 251U, 256U}) {
            SCOPED_TRACE(rows);
            const std::size_t behind = sequence.tokens().size() - sequence.prompt_tokens();
            if (rows > behind) {
                session.append(sequence, test::random_tokens(rows - behind, 2));
            }
            expect_chains(session, sequence, bush());
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Types, StepTreeTypes,
                         ::testing::Values(KvTypes(KvType::F32), KvTypes(KvType::F16), KvTypes(KvType::BF16),
                                           KvTypes(KvType::Q8_0), KvTypes(KvType::Q8_0, KvType::Q4_0)),
                         [](const auto & info) {
                             return std::to_string(static_cast<int>(info.param.key)) + "_" +
                                    std::to_string(static_cast<int>(info.param.value));
                         });

class StepTree : public ::testing::Test {
protected:
    std::atomic<bool> stop_{false};
    test::TinyRun run_;
    Session session_ = run_.session(SessionOptions{.threads = 1, .context = 512, .stop = &stop_});
    Sequence sequence_ =
        test::prefill_one(session_, test::branch_of(test::random_tokens(150, 1), test::snapkv_cache(64, 16)));

    /// The sequence is as `before` was, goes on alike, and has no tree.
    void expect_as(const Sequence & before) {
        EXPECT_EQ(sequence_.tree_tokens(), 0U);
        Sequence expected = before.fork();
        Sequence found = sequence_.fork();
        EXPECT_TRUE(std::ranges::equal(found.tokens(), expected.tokens()));
        EXPECT_TRUE(test::same_bits(found.logits(), expected.logits()));
        EXPECT_EQ(found.kept_positions(), expected.kept_positions());
        EXPECT_EQ(test::greedy(session_, found, 3), test::greedy(session_, expected, 3));
    }
};

TEST_F(StepTree, OfAnyForm) {
    test::Random random(3);
    for (int i = 0; i < 12; ++i) {
        const Tree tree = random_tree(random);
        expect_chains(session_, sequence_, tree);
        step(session_, sequence_, tree);
        session_.keep_path(sequence_, random.below(static_cast<std::uint32_t>(tree.tokens.size())));
    }
    EXPECT_EQ(index_of(sequence_.kept_positions()[0][0].back()) + 1, sequence_.tokens().size());
    expect_chains(session_, sequence_, chain(8));
}

TEST_F(StepTree, HasTheSameBitsOnTwoThreads) {
    Session two = run_.session(512, 2);
    session_.append(sequence_, test::random_tokens(100, 2));
    Sequence other = sequence_.fork();
    step(session_, sequence_, bush());
    step(two, other, bush());
    for (std::size_t token = 0; token < 8; ++token) {
        EXPECT_TRUE(test::same_bits(sequence_.tree_logits(token), other.tree_logits(token)));
    }
}

TEST_F(StepTree, CanBeCutBackToThePrompt) {
    const Sequence prompt = sequence_.fork();
    step(session_, sequence_, bush());
    session_.keep_path(sequence_, 5);
    sequence_.truncate(sequence_.prompt_tokens());
    expect_as(prompt);
}

TEST_F(StepTree, IsDroppedByWhateverChangesTheSequence) {
    const Sequence before = sequence_.fork();
    const auto drops = [&](const auto & call) {
        step(session_, sequence_, bush());
        call();
        EXPECT_EQ(sequence_.tree_tokens(), 0U);
        test::error_of(ErrorKind::Usage, [&] { session_.keep_path(sequence_, 0); });
        sequence_ = before.fork();
    };
    const Token token = 7;
    Sequence * one = &sequence_;
    drops([&] { session_.append(sequence_, {&token, 1}); });
    drops([&] { session_.step({&one, 1}, {&token, 1}); });
    drops([&] { test::greedy(session_, sequence_, 1); });
    drops([&] { sequence_ = sequence_.fork(); });
    drops([&] { sequence_.drop_tree(); });
    session_.append(sequence_, test::random_tokens(3, 4));
    drops([&] { sequence_.truncate(sequence_.tokens().size() - 1); });
    step(session_, sequence_, bush());
    step(session_, sequence_, chain(2));
    EXPECT_EQ(sequence_.tree_tokens(), 2U);
    sequence_.drop_tree();
    expect_as(before);
}

TEST_F(StepTree, RefusesWhatIsNoTree) {
    const Sequence before = sequence_.fork();
    const auto refused = [&](ErrorKind kind, std::vector<Token> tokens, std::vector<std::int32_t> parents) {
        return test::error_of(kind, [&] { session_.step_tree(sequence_, tokens, parents); });
    };
    EXPECT_EQ(refused(ErrorKind::Usage, {1, 2}, {-1, 1}),
              "token 1 of a tree is to continue token 1; expected is one before it, or -1 for the sequence");
    refused(ErrorKind::Usage, {1, 2}, {-2, 0});
    refused(ErrorKind::Usage, {1, 2}, {-1});
    refused(ErrorKind::Usage, {}, {});
    EXPECT_THAT(refused(ErrorKind::Usage, std::vector<Token>(9, 1), std::vector<std::int32_t>(9, -1)),
                HasSubstr("expected are 1 to 8 tokens"));
    refused(ErrorKind::Input, {1, 100'000}, {-1, 0});
    refused(ErrorKind::Input, {-1}, {-1});
    expect_as(before);
    test::error_of(ErrorKind::Usage, [&] { static_cast<void>(sequence_.tree_logits(0)); });
    step(session_, sequence_, chain(2));
    test::error_of(ErrorKind::Usage, [&] { static_cast<void>(sequence_.tree_logits(2)); });
    test::error_of(ErrorKind::Usage, [&] { session_.keep_path(sequence_, 2); });
    EXPECT_EQ(session_.keep_path(sequence_, 1).tokens, 2U);
    test::greedy(session_, sequence_, 1);
    refused(ErrorKind::Usage, {1}, {-1});
}

TEST_F(StepTree, RefusesWhatTheContextDoesNotTake) {
    session_.append(sequence_, test::random_tokens(358, 2));  // 508 of 512
    const std::vector<Token> tokens = test::random_tokens(8, 3);
    test::error_of(ErrorKind::Input, [&] { step(session_, sequence_, chain(4)); });
    EXPECT_EQ(step(session_, sequence_, chain(3)).tokens, 3U);
    EXPECT_EQ(step(session_, sequence_, {tokens, {-1, -1, -1, 0, 0, 1, 3, 3}}).tokens, 8U);
}

TEST_F(StepTree, LeavesTheSequenceAsItWasWhenItIsInterrupted) {
    session_.append(sequence_, test::random_tokens(20, 2));
    const Sequence before = sequence_.fork();
    stop_ = true;
    EXPECT_TRUE(step(session_, sequence_, bush()).interrupted);
    stop_ = false;
    expect_as(before);
    for (const int microseconds : {0, 100, 300, 1000}) {
        std::thread stopper([&] {
            std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
            stop_ = true;
        });
        const AppendStats stats = step(session_, sequence_, bush());
        stopper.join();
        stop_ = false;
        EXPECT_EQ(stats.interrupted, sequence_.tree_tokens() == 0);
        sequence_.drop_tree();
        expect_as(before);
    }
    const CallOptions late{.deadline = std::chrono::steady_clock::now()};
    const Tree tree = bush();
    EXPECT_TRUE(session_.step_tree(sequence_, tree.tokens, tree.parents, late).interrupted);
    expect_as(before);
}

TEST_F(StepTree, AccountsForItsRowsAndLeavesTheSequenceWhereMemoryEnds) {
    kv::Arena arena;
    kv::Tail & tail = Internals::of(sequence_).rows.tail;
    tail = kv::Tail(arena, tail.shapes(), tail.first());
    Internals::of(sequence_).arena = std::shared_ptr<kv::Arena>(&arena, [](kv::Arena *) {});
    const Sequence before = sequence_.fork();
    EXPECT_EQ(arena.meter().alive(), 0U);
    step(session_, sequence_, bush());
    std::uint64_t bytes = std::uint64_t{8} * run_.model.info().vocabulary * sizeof(float);
    for (const kv::LayerShape & shape : tail.shapes()) {
        bytes += kv::LayerRows::dense_bytes(shape, 8);
    }
    EXPECT_EQ(arena.meter().alive(), bytes);
    sequence_.drop_tree();
    EXPECT_EQ(arena.meter().alive(), 0U);
    arena.set_limit(bytes - 1);
    test::error_of(ErrorKind::Machine, [&] { step(session_, sequence_, bush()); });
    EXPECT_EQ(arena.meter().alive(), 0U);
    arena.set_limit(bytes);
    step(session_, sequence_, chain(3));
    step(session_, sequence_, bush());
    EXPECT_EQ(arena.meter().alive(), bytes) << "the same for any tree";
    test::error_of(ErrorKind::Machine, [&] { session_.keep_path(sequence_, 3); });
    EXPECT_EQ(arena.meter().alive(), bytes);
    EXPECT_EQ(tail.rows(), 0U);
    arena.set_limit(std::uint64_t{1} << 30U);
    session_.keep_path(sequence_, 3);
    EXPECT_TRUE(test::same_bits(sequence_.logits(), appended(session_, before, bush().path_to(3)).logits()));
    sequence_.drop_tree();
    sequence_.truncate(sequence_.prompt_tokens());
    EXPECT_EQ(arena.meter().alive(), 0U);
    expect_as(before);
}

/// Near its chains: how ggml sums depends on how many rows there are.
TEST_F(StepTree, OnThePortablePathIsNearItsChains) {
    Session session = run_.session(SessionOptions{.threads = 1, .attention = AttentionPath::Portable});
    Session cpu = run_.session();
    for (const std::size_t rows : {0U, 251U}) {
        session.append(sequence_, test::random_tokens(rows, 2));
        const Tree tree = bush();
        step(session, sequence_, tree);
        Sequence other = sequence_.fork();
        step(cpu, other, tree);
        for (std::size_t token = 0; token < tree.tokens.size(); ++token) {
            const Sequence expected = appended(session, sequence_, tree.path_to(token));
            EXPECT_LT(test::nmse(sequence_.tree_logits(token), expected.logits()), 1e-9);
            EXPECT_LT(test::nmse(sequence_.tree_logits(token), other.tree_logits(token)), 1e-9);
        }
        session.keep_path(sequence_, 7);
        Sequence expected = appended(session, other, tree.path_to(7));
        test::expect_same_answers(session, sequence_, expected, 5);
    }
}

class StepTreeFamilies : public ::testing::TestWithParam<const char *> {};

/// Behind a tail of several blocks, of which sliding layers gave some back, and where another block begins.
TEST_P(StepTreeFamilies, HaveTheBitsOfTheirChains) {
    const test::LoadedFamily family(GetParam(), 2048);
    Session session = family.session();
    for (const CacheConfig & cache : {test::snapkv_cache(60, 8), test::full_cache(KvType::F16)}) {
        Sequence sequence = test::prefill_one(session, test::branch_of(test::random_tokens(150, 1), cache));
        for (const std::size_t more : {5U, 600U, 160U}) {  // the last ends 3 rows before a block does
            session.append(sequence, test::random_tokens(more, 2));
            expect_chains(session, sequence, bush());
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, StepTreeFamilies, ::testing::Values("llama", "gemma3", "gpt-oss", "deepseek2"),
                         [](const auto & param) {
                             std::string name = param.param;
                             std::erase(name, '-');
                             return name;
                         });

TEST(StepTreeInEveryFamily, HasTheBitsOfItsChains) {
    for (const model::Family * each : model::families()) {
        SCOPED_TRACE(each->name);
        const test::LoadedFamily family(each->name);
        Session session = family.session();
        const ModelInfo & info = session.model().info();
        const auto within = [&](std::vector<Token> tokens) {
            for (Token & token : tokens) {
                token = static_cast<Token>(static_cast<std::uint32_t>(token) % info.vocabulary);
            }
            return tokens;
        };
        const Sequence sequence =
            test::prefill_one(session, test::branch_of(within(test::random_tokens(60, 1)), test::snapkv_cache(40, 8)));
        Tree tree = info.attending_layers < info.layers ? chain(5) : bush();
        tree.tokens = within(tree.tokens);
        expect_chains(session, sequence, tree);
    }
}

TEST(StepTreeWhereLayersRecur, IsAChainOrRefused) {
    const test::LoadedFamily family("qwen35");
    std::atomic<bool> stop{false};
    Session session = family.session(&stop);
    Sequence sequence =
        test::prefill_one(session, test::branch_of(test::random_tokens(60, 1), test::snapkv_cache(40, 8)));
    const std::string message = test::error_of(ErrorKind::Usage, [&] { step(session, sequence, bush()); });
    EXPECT_THAT(message, HasSubstr("recurrent layers"));
    const Sequence before = sequence.fork();
    step(session, sequence, chain(4));
    stop = true;
    EXPECT_TRUE(session.keep_path(sequence, 1).interrupted);
    stop = false;
    EXPECT_EQ(sequence.tree_tokens(), 0U);
    expect_chains(session, sequence, chain(4));
    EXPECT_TRUE(test::same_bits(sequence.logits(), before.logits()));
}

}  // namespace
}  // namespace snapkv

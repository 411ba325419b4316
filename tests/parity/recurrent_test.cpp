// Models in which most layers keep a state: it belongs to the sequence, to its branches and to what goes on from them.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

#include "parity/engine.h"
#include "parity/random_family.h"
#include "parity/random_model.h"
#include "snapkv/error.h"

namespace snapkv::test {
namespace {

FamilyShape hybrid() {
    FamilyShape shape = family_shape("qwen35");
    shape.layers = 6;  // the last of which recurs
    shape.head_size = 32;
    return shape;
}

class Recurrent : public testing::Test {
protected:
    TemporaryPath file_ = random_family(hybrid());
    Model model_ = Model::load(file_.get());
    std::atomic<bool> stop_{false};
    std::vector<Token> tokens_ = random_tokens({.vocabulary = hybrid().vocabulary}, 400);

    [[nodiscard]] Session session(std::uint32_t batch = 64) {
        return Session(model_, {.threads = 1, .batch = batch, .stop = &stop_});
    }
    [[nodiscard]] std::span<const Token> part(std::size_t first, std::size_t count) const {
        return std::span(tokens_).subspan(first, count);
    }
    /// The first tokens, then others from a place of their own.
    [[nodiscard]] std::vector<Token> prompt(std::size_t trunk, std::size_t from, std::size_t suffix) const {
        std::vector<Token> prompt(tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(trunk));
        const auto rest = part(from, suffix);
        prompt.insert(prompt.end(), rest.begin(), rest.end());
        return prompt;
    }
};

TEST_F(Recurrent, BranchesAreAsAlone) {
    Session session = this->session();
    std::vector<Branch> branches;
    // Suffixes within a chunk, across chunks, of one token and of none.
    for (const auto & [from, suffix] :
         std::vector<std::pair<std::size_t, std::size_t>>{{200, 5}, {210, 90}, {310, 1}, {0, 0}, {320, 70}}) {
        branches.push_back(full_branch(prompt(150, from, suffix), KvType::F32));
    }
    branches.push_back(branches[1]);
    branches.back().cache.policy = Policy::SnapKV;
    branches.back().cache.budget.value = 60;
    const PrefillResult together = session.prefill(branches);
    ASSERT_EQ(together.stats.trunk_tokens, 150U);
    for (std::size_t index = 0; index < branches.size(); ++index) {
        SCOPED_TRACE(index);
        Sequence alone = std::move(session.prefill({&branches[index], 1}).sequences.front());
        Sequence found = together.sequences[index].fork();
        EXPECT_LT(normalised_error(found.logits(), alone.logits()), 1e-9);
        session.append(alone, part(0, 20));
        session.append(found, part(0, 20));
        EXPECT_LT(normalised_error(found.logits(), alone.logits()), 1e-9);
    }
}

TEST_F(Recurrent, ForksGoOnEachItsOwnWay) {
    Session session = this->session();
    const Branch branch = full_branch(part(0, 100), KvType::F32);
    Sequence first = std::move(session.prefill({&branch, 1}).sequences.front());
    Sequence second = first.fork();
    session.append(first, part(200, 7));
    session.append(second, part(300, 7));
    session.append(second, part(100, 3));
    const Branch whole = full_branch(prompt(100, 200, 7), KvType::F32);
    EXPECT_LT(normalised_error(first.logits(), session.prefill({&whole, 1}).sequences.front().logits()), 1e-9);
}

// One by one, in a chunk of few rows, in chunks of many: the same state.
TEST_F(Recurrent, TurnsInAnyPiecesEqualOnePrefill) {
    Session session = this->session();
    const Branch whole = full_branch(tokens_, KvType::F32);
    const Sequence expected = std::move(session.prefill({&whole, 1}).sequences.front());
    for (const std::size_t piece : {1U, 7U, 100U, 300U}) {
        SCOPED_TRACE(piece);
        const Branch branch = full_branch(part(0, 100), KvType::F32);
        Sequence sequence = std::move(session.prefill({&branch, 1}).sequences.front());
        for (std::size_t first = 100; first < tokens_.size(); first += piece) {
            session.append(sequence, part(first, std::min(piece, tokens_.size() - first)));
        }
        EXPECT_LT(normalised_error(sequence.logits(), expected.logits()), 1e-9);
    }
}

TEST_F(Recurrent, AnAppendThatIsStoppedLeavesTheStateOfItsTokens) {
    Session session = this->session();
    const Branch branch = full_branch(part(0, 100), KvType::F32);
    Sequence origin = std::move(session.prefill({&branch, 1}).sequences.front());
    Sequence undisturbed = origin.fork();
    session.append(undisturbed, part(100, 300));
    for (const int microseconds : {0, 300, 2000, 10000}) {
        SCOPED_TRACE(microseconds);
        Sequence sequence = origin.fork();
        std::thread stopper([&] {
            std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
            stop_ = true;
        });
        const AppendStats stats = session.append(sequence, part(100, 300));
        stopper.join();
        stop_ = false;
        session.append(sequence, part(100 + stats.tokens, 300 - stats.tokens));
        EXPECT_LT(normalised_error(sequence.logits(), undisturbed.logits()), 1e-9);
    }
}

TEST_F(Recurrent, ASequenceWhoseStatesAreOfOtherSizesIsRefused) {
    FamilyShape shape = hybrid();
    shape.recurrence->size = 16;  // rows, layers and vocabulary are the same
    const TemporaryPath file = random_family(shape);
    Session other(Model::load(file.get()), {.threads = 1});
    const Branch branch = full_branch(part(0, 20), KvType::F32);
    Sequence sequence = std::move(other.prefill({&branch, 1}).sequences.front());
    Session session = this->session();
    EXPECT_THROW(session.append(sequence, part(20, 1)), Error);
}

// Every layer attends: no key of theirs asks for memory.
TEST_F(Recurrent, NoLayerNeedRecur) {
    FamilyShape shape = hybrid();
    shape.recurrence->interval = 1;
    const TemporaryPath file = random_family(shape);
    const Model model = Model::load(file.get());
    EXPECT_EQ(model.info().attending_layers, shape.layers);
    EXPECT_EQ(model.info().state_bytes, 0U);
}

TEST_F(Recurrent, InfoSaysWhatASequenceTakes) {
    const ModelInfo & info = model_.info();
    EXPECT_EQ(info.attending_layers, 1U);
    // Three tokens of 256 channels, and four matrices of 32 x 32.
    EXPECT_EQ(info.state_bytes, 5 * (3 * 256 + 4 * 32 * 32) * sizeof(float));
    EXPECT_TRUE(info.attention[0].recurs);
    EXPECT_FALSE(info.attention[3].recurs);
    EXPECT_EQ(info.cache_bytes_per_token(KvType::F16), 2U * 2 * 64);
}

}  // namespace
}  // namespace snapkv::test

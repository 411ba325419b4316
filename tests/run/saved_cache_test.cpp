#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "run/sequence_impl.h"
#include "snapkv/snapkv.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

/// The demonstration model with a saved cache in a directory of its own.
class SavedCache : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        if (std::filesystem::exists(SNAPKV_TEST_MODEL)) {
            model_.emplace(Model::load(SNAPKV_TEST_MODEL));
        }
    }
    static void TearDownTestSuite() { model_.reset(); }

    void SetUp() override {
        if (!model_) {
            GTEST_SKIP() << SNAPKV_TEST_MODEL << " is not there";
        }
    }

    /// One thread: spinning ones cost more than they bring where other tests run beside this one.
    [[nodiscard]] static Session session(std::uint32_t context = 2048) {
        SessionOptions options;
        options.threads = 1;
        options.context = context;
        return Session(*model_, options);
    }

    /// A list that the model continues for as long as it is let.
    [[nodiscard]] static Branch branch(const std::string & question = "Day 11:") {
        std::string document;
        for (int day = 1; day <= 10; ++day) {
            document += "Day " + std::to_string(day) +
                        ": the wind came from the north and the ship sailed on to port " + std::to_string(day * 37) +
                        ".\n";
        }
        Branch branch;
        branch.prompt = model_->raw_prompt(document, question);
        branch.cache.budget.value = 128;
        return branch;
    }

    [[nodiscard]] static std::vector<Token> generate(Session & session, Sequence & sequence, std::int64_t count) {
        GenerateOptions options;
        options.max_tokens = count;
        return session.generate(sequence, options).tokens;
    }

    [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "cache"; }

    static std::optional<Model> model_;
    test::TemporaryFolder folder_;
};

std::optional<Model> SavedCache::model_;

std::vector<Token> joined(std::vector<Token> one, const std::vector<Token> & other) {
    one.insert(one.end(), other.begin(), other.end());
    return one;
}

void expect_same_bits(const Sequence & one, const Sequence & other) {
    EXPECT_TRUE(std::ranges::equal(one.tokens(), other.tokens()));
    ASSERT_EQ(one.logits().size(), other.logits().size());
    EXPECT_EQ(std::memcmp(one.logits().data(), other.logits().data(), one.logits().size_bytes()), 0);
    EXPECT_EQ(one.kept_positions(), other.kept_positions());
}

TEST_F(SavedCache, GoingOnGivesTheBitsOfTheUninterruptedRun) {
    Session first = session();
    const Branch of_prompt = branch();
    PrefillResult prefilled = first.prefill({&of_prompt, 1});
    Sequence & sequence = prefilled.sequences.front();
    ASSERT_TRUE(sequence.cache_stats().compressed);
    Sequence interrupted = sequence.fork();
    const std::vector<Token> whole = generate(first, sequence, 15);
    ASSERT_EQ(whole.size(), 15U);

    const std::vector<Token> begun = generate(first, interrupted, 5);
    EXPECT_TRUE(first.save(interrupted, path()));
    Session second = session();
    Sequence loaded = second.load(path());
    EXPECT_EQ(loaded.prompt_tokens(), of_prompt.prompt.tokens.size());
    EXPECT_TRUE(loaded.cache_stats().compressed);
    EXPECT_EQ(loaded.cache_stats().bytes_kept, sequence.cache_stats().bytes_kept);
    EXPECT_EQ(joined(begun, generate(second, loaded, 10)), whole);
    expect_same_bits(loaded, sequence);
}

TEST_F(SavedCache, ASavedPromptAloneAnswersAsItWouldHave) {
    Session first = session();
    Branch of_prompt = branch();
    for (const KvType type : {KvType::F32, KvType::BF16}) {
        of_prompt.cache.type = type;
        PrefillResult prefilled = first.prefill({&of_prompt, 1});
        Sequence & sequence = prefilled.sequences.front();
        EXPECT_TRUE(generate(first, sequence, 0).empty());
        EXPECT_TRUE(first.save(sequence, path()));
        Sequence loaded = first.load(path());
        expect_same_bits(loaded, sequence);
        EXPECT_EQ(generate(first, loaded, 4), generate(first, sequence, 4));
        expect_same_bits(loaded, sequence);
    }
}

TEST_F(SavedCache, AFullCacheOfTrunkAndSuffixKeepsItsSegments) {
    Session first = session();
    std::vector<Branch> branches{branch("Who sails?"), branch("Where does the wind")};
    for (Branch & of_question : branches) {
        std::vector<Token> & tokens = of_question.prompt.tokens;
        const std::vector<Token> document(tokens.begin(), tokens.begin() + 150);
        for (int copy = 0; copy < 5; ++copy) {  // enough to be shared
            tokens.insert(tokens.begin(), document.begin(), document.end());
        }
        of_question.cache.policy = Policy::Full;
    }
    PrefillResult prefilled = first.prefill(branches);
    Sequence & sequence = prefilled.sequences.back();
    ASSERT_EQ(Internals::of(sequence).rows.segments.size(), 2U);
    EXPECT_TRUE(first.save(sequence, path()));
    Sequence loaded = first.load(path());
    EXPECT_EQ(Internals::of(loaded).rows.segments.size(), 2U);
    EXPECT_EQ(generate(first, loaded, 4), generate(first, sequence, 4));
    expect_same_bits(loaded, sequence);
}

TEST_F(SavedCache, ForksOfALoadedSequenceShareItsSegmentsAndGoTheirOwnWays) {
    Session first = session();
    const Branch of_prompt = branch();
    PrefillResult prefilled = first.prefill({&of_prompt, 1});
    Sequence & sequence = prefilled.sequences.front();
    static_cast<void>(generate(first, sequence, 3));
    EXPECT_TRUE(first.save(sequence, path()));

    const Sequence loaded = first.load(path());
    Sequence one = loaded.fork();
    Sequence other = loaded.fork();
    EXPECT_EQ(Internals::of(one).rows.segments, Internals::of(loaded).rows.segments);
    const std::vector<Token> turn = first.turn_tokens(other, "And what is the weather?", false);
    first.append(other, turn);
    const std::vector<Token> of_other = generate(first, other, 4);
    Sequence straight = sequence.fork();
    first.append(straight, turn);
    EXPECT_EQ(of_other, generate(first, straight, 4));
    expect_same_bits(other, straight);
    EXPECT_EQ(generate(first, one, 4), generate(first, sequence, 4));
    expect_same_bits(one, sequence);
}

std::string refusal(const Session & session, const std::filesystem::path & path) {
    try {
        static_cast<void>(session.load(path));
    } catch (const Error & error) {
        const std::string message = error.what();
        EXPECT_EQ(error.kind(), ErrorKind::Input) << message;
        EXPECT_TRUE(message.starts_with(path.string() + ": ")) << message;
        return message.substr(path.string().size() + 2);
    }
    return "not refused";
}

TEST_F(SavedCache, RefusesAnotherRopeSettingAShorterContextAndCutFiles) {
    Session first = session();
    const Branch of_prompt = branch();
    PrefillResult prefilled = first.prefill({&of_prompt, 1});
    EXPECT_TRUE(first.save(prefilled.sequences.front(), path()));
    EXPECT_EQ(refusal(first, path()), "not refused");

    const std::size_t n = of_prompt.prompt.tokens.size();
    EXPECT_EQ(refusal(session(64), path()), std::to_string(n) + " tokens, beyond the context of 64 (-c sets it)");

    ModelOptions stretched;
    stretched.rope.scale = 2.0F;
    EXPECT_EQ(refusal(Session(Model::load(SNAPKV_TEST_MODEL, stretched)), path()),
              "saved with another RoPE setting: RoPE frequency scale 1, here 0.5");

    const auto size = std::filesystem::file_size(path());
    for (std::uintmax_t part = 63; part > 0; --part) {
        std::filesystem::resize_file(path(), size * part / 64);
        EXPECT_TRUE(refusal(first, path()).starts_with("cut short: ")) << part;
    }
}

}  // namespace
}  // namespace snapkv

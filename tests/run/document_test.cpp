// Rows of a document that one prefill computes and others take.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "run/loaded_family.h"
#include "run/sequence_impl.h"
#include "run/tiny_run.h"
#include "snapkv/error.h"
#include "support/contents.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

constexpr std::uint32_t kHeld = 900;

class DocumentOf : public ::testing::TestWithParam<const char *> {
protected:
    test::LoadedFamily family_{GetParam(), 4096};
    Session session_ = family_.session();
    test::TemporaryFolder folder_;
    std::vector<Token> text_ = test::random_tokens(1200, 1);

    /// A question about the first `tokens` tokens of the text.
    [[nodiscard]] Branch question(std::uint32_t tokens, std::size_t length, const CacheConfig & cache,
                                  std::uint32_t seed) const {
        return test::branch_of(test::joined({text_.begin(), text_.begin() + tokens}, test::random_tokens(length, seed)),
                               cache);
    }
    [[nodiscard]] std::vector<Branch> questions(std::uint32_t tokens) const {
        return {question(tokens, 20, test::snapkv_cache(64, 16), 2), question(tokens, 70, test::full_cache(), 3),
                question(tokens, 300, test::snapkv_cache(200, 64), 4)};
    }
    /// All in one go, their document left behind.
    PrefillResult finish(PrefillTask & task) {
        while (task.advance()) {
        }
        return task.take();
    }
    [[nodiscard]] Document document(std::uint32_t hold = kHeld) { return document_of(1000, hold); }
    [[nodiscard]] Document document_of(std::uint32_t tokens, std::uint32_t hold) {
        const Branch asked = question(tokens, 9, test::snapkv_cache(64, 16), 8);
        PrefillTask task = session_.begin_prefill({&asked, 1}, {.hold = hold});
        finish(task);
        return *task.document();
    }
    PrefillResult prefill_with(const std::vector<Branch> & branches, const Document & document) {
        PrefillTask task = session_.begin_prefill(branches, {.document = document});
        return finish(task);
    }
    void expect_same(PrefillResult & found, const PrefillResult & expected) {
        ASSERT_EQ(found.sequences.size(), expected.sequences.size());
        for (std::size_t index = 0; index < found.sequences.size(); ++index) {
            SCOPED_TRACE(index);
            Sequence & one = found.sequences[index];
            Sequence other = expected.sequences[index].fork();
            EXPECT_TRUE(test::same_bits(one.logits(), other.logits()));
            EXPECT_EQ(one.kept_positions(), other.kept_positions());
            EXPECT_EQ(test::greedy(session_, one, 3), test::greedy(session_, other, 3));
            EXPECT_TRUE(test::same_bits(one.logits(), other.logits()));
        }
    }
};

TEST_P(DocumentOf, GivesTheBitsOfAPrefillThatComputesItsRows) {
    const Document held = document();
    EXPECT_TRUE(held.complete());
    EXPECT_EQ(held.tokens().size(), kHeld);
    const std::vector<Branch> all = questions(1000);
    PrefillResult found = prefill_with(all, held);
    EXPECT_EQ(found.stats.held_tokens, kHeld);
    EXPECT_EQ(found.stats.trunk_tokens, 1000U);
    EXPECT_EQ(found.stats.computed_tokens, 100U + 20 + 70 + 300);
    expect_same(found, session_.prefill(all));
    for (const Branch & one : all) {
        PrefillResult alone = prefill_with({one}, held);
        EXPECT_EQ(alone.stats.held_tokens, kHeld);
        expect_same(alone, session_.prefill({&one, 1}));
    }
}

TEST_P(DocumentOf, ServesWherePromptsGoOnRightBehindIt) {
    const Document held = document();
    const std::vector<Branch> all = questions(kHeld);
    PrefillResult found = prefill_with(all, held);
    EXPECT_EQ(found.stats.held_tokens, kHeld);
    expect_same(found, session_.prefill(all));
}

TEST_P(DocumentOf, OfWhichLessIsInCommonServesAsFarAsItGoes) {
    const Document held = document();
    const std::vector<Branch> all = questions(800);
    PrefillResult found = prefill_with(all, held);
    const bool recurs = std::string(GetParam()) == "qwen35moe";
    EXPECT_EQ(found.stats.held_tokens, recurs ? 0U : 800U);
    expect_same(found, session_.prefill(all));
}

TEST_P(DocumentOf, DoesNotServeTokensWhoseQueriesVote) {
    const Document held = document();
    const std::vector<Branch> all{question(kHeld, 10, test::snapkv_cache(200, 100), 5)};
    PrefillResult found = prefill_with(all, held);
    const bool recurs = std::string(GetParam()) == "qwen35moe";
    EXPECT_EQ(found.stats.held_tokens, recurs ? 0U : kHeld + 10 - 100);
    expect_same(found, session_.prefill(all));
}

TEST_P(DocumentOf, CanBeBuiltOnAnother) {
    const Document first = document(800);
    const Branch asked = question(1200, 9, test::snapkv_cache(64, 16), 8);
    PrefillTask task = session_.begin_prefill({&asked, 1}, {.document = first, .hold = 1100});
    const PrefillResult result = finish(task);
    EXPECT_EQ(result.stats.held_tokens, 800U);
    const Document second = *task.document();
    EXPECT_EQ(second.tokens().size(), 1100U);
    const std::vector<Branch> all = questions(1200);
    PrefillResult found = prefill_with(all, second);
    EXPECT_EQ(found.stats.held_tokens, 1100U);
    expect_same(found, session_.prefill(all));
    // Nothing new: the one that is there serves.
    PrefillTask again = session_.begin_prefill({&asked, 1}, {.document = second, .hold = 700});
    EXPECT_EQ(again.document()->tokens().size(), 1100U);
}

/// Long enough that what slides is no longer held from its beginning.
TEST_P(DocumentOf, MayBeLong) {
    text_ = test::random_tokens(3000, 11);
    const Document first = document_of(2500, 2400);
    const Branch asked = question(3000, 9, test::snapkv_cache(64, 16), 8);
    PrefillTask task = session_.begin_prefill({&asked, 1}, {.document = first, .hold = 2900});
    finish(task);
    for (const std::uint32_t tokens : {2900U, 2950U}) {
        const std::vector<Branch> all = questions(tokens);
        PrefillResult found = prefill_with(all, *task.document());
        EXPECT_EQ(found.stats.held_tokens, 2900U);
        expect_same(found, session_.prefill(all));
    }
    // What is needed earlier is not there where a layer slides.
    const std::vector<Branch> all = questions(1000);
    PrefillResult found = prefill_with(all, *task.document());
    const std::string family = GetParam();
    EXPECT_EQ(found.stats.held_tokens, family == "llama" || family == "deepseek2" ? 1000U : 0U);
    expect_same(found, session_.prefill(all));
}

/// A question that joins while the document is still being read, at any layer, and leaves at any time.
TEST_P(DocumentOf, IsFollowedWhileItIsMade) {
    const Branch asked = question(1000, 9, test::snapkv_cache(64, 16), 8);
    const std::vector<Branch> late = questions(kHeld);
    const PrefillResult expected = session_.prefill({&asked, 1});
    const PrefillResult expected_late = session_.prefill(late);
    for (const int when : {0, 1, 3, 6, 11, 40}) {
        SCOPED_TRACE(when);
        PrefillTask leader = session_.begin_prefill({&asked, 1}, {.hold = kHeld});
        for (int unit = 0; unit < when; ++unit) {
            leader.advance();
        }
        PrefillTask follower = session_.begin_prefill(late, {.document = leader.document()});
        PrefillTask leaver = session_.begin_prefill(late, {.document = leader.document()});
        if (leader.document()->layers() == 0) {
            EXPECT_FALSE(follower.ready());
            test::error_of(ErrorKind::Usage, [&] { follower.advance(); });
        }
        for (int turn = 0; !leader.done() || !follower.done(); ++turn) {
            for (PrefillTask * task : {&leader, &follower, turn < 4 ? &leaver : &leader}) {
                if (task->ready()) {
                    task->advance();
                }
            }
        }
        PrefillResult found = leader.take();
        PrefillResult found_late = follower.take();
        EXPECT_EQ(found_late.stats.held_tokens, kHeld);
        expect_same(found, expected);
        expect_same(found_late, expected_late);
    }
}

TEST_P(DocumentOf, IsFinishedForOthersWhenNobodyWantsTheAnswer) {
    const Branch asked = question(1000, 9, test::snapkv_cache(64, 16), 8);
    PrefillTask task = session_.begin_prefill({&asked, 1}, {.hold = kHeld});
    task.advance();
    task.drop(0);
    EXPECT_FALSE(task.done());
    const PrefillResult result = finish(task);
    EXPECT_TRUE(result.sequences.empty());
    ASSERT_TRUE(task.document()->complete());
    const std::vector<Branch> all = questions(1000);
    PrefillResult found = prefill_with(all, *task.document());
    EXPECT_EQ(found.stats.held_tokens, kHeld);
    expect_same(found, session_.prefill(all));
}

TEST_P(DocumentOf, MayEndAnywhere) {
    for (const std::uint32_t hold : {1U, 63U, 64U, 768U, 900U, 999U, 1000U}) {
        SCOPED_TRACE(hold);
        const Branch asked = question(1000, 9, test::snapkv_cache(64, 16), 8);
        PrefillTask task = session_.begin_prefill({&asked, 1}, {.hold = hold});
        PrefillResult found = finish(task);
        expect_same(found, session_.prefill({&asked, 1}));
        found = prefill_with({asked}, *task.document());
        EXPECT_EQ(found.stats.held_tokens,
                  std::string(GetParam()) == "qwen35moe" && hold > 993 ? 0 : std::min(hold, 993U));
        expect_same(found, session_.prefill({&asked, 1}));
    }
}

/// A document that ends where a chunk does: its last part goes on to be written.
TEST_P(DocumentOf, ThatEndsWithAChunkHasItsOwnRowsOnly) {
    const Document held = document(640);
    EXPECT_TRUE(session_.save_document(held, folder_.path() / "document"));
    const std::vector<Branch> all = questions(1000);
    PrefillResult found = prefill_with(all, session_.load_document(folder_.path() / "document"));
    EXPECT_EQ(found.stats.held_tokens, 640U);
    expect_same(found, session_.prefill(all));
    EXPECT_EQ(session_.held_tokens(all, held), 640U);
}

/// What is to be held begins, where a layer slides, before the first row that a longer document has there.
TEST_P(DocumentOf, ThatIsLongerServesOnlyWhereItReachesBackFarEnough) {
    text_ = test::random_tokens(3000, 12);
    const Document longer = document_of(2950, 2900);
    std::vector<Token> other(text_.begin(), text_.begin() + 2855);
    other = test::joined(other, test::random_tokens(100, 13));
    const Branch asked = test::branch_of(other, test::snapkv_cache(64, 16));
    PrefillTask task = session_.begin_prefill({&asked, 1}, {.document = longer, .hold = 2860});
    PrefillResult found = finish(task);
    expect_same(found, session_.prefill({&asked, 1}));
    const Branch again = test::branch_of(test::joined(other, test::random_tokens(20, 14)), test::full_cache());
    PrefillResult from_held = prefill_with({again}, *task.document());
    EXPECT_EQ(from_held.stats.held_tokens, 2860U);
    expect_same(from_held, session_.prefill({&again, 1}));
}

TEST_P(DocumentOf, KeepsNoMoreThanItsRowsAndLetsThemGo) {
    Sequence other = test::prefill_one(session_, test::branch_of(test::random_tokens(50, 9), test::full_cache()));
    const Meter & meter = Internals::of(other).arena->meter();
    const std::uint64_t before = meter.alive();
    {
        const Document held = document();
        const std::uint64_t with = meter.alive();
        EXPECT_GT(with, before);
        const std::vector<Branch> all = questions(1000);
        static_cast<void>(prefill_with(all, held));
        EXPECT_EQ(meter.alive(), with);
    }
    EXPECT_EQ(meter.alive(), before);
}

TEST_P(DocumentOf, InAFileGivesTheSameBits) {
    const std::filesystem::path path = folder_.path() / "document";
    const Branch asked = question(1000, 9, test::snapkv_cache(64, 16), 8);
    PrefillTask task = session_.begin_prefill({&asked, 1}, {.hold = kHeld, .hold_file = path});
    EXPECT_FALSE(task.document());
    PrefillResult first = finish(task);
    expect_same(first, session_.prefill({&asked, 1}));
    EXPECT_EQ(task.document_error(), "");
    ASSERT_TRUE(task.document());
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    Session later = family_.session();
    for (const Document & held : {*task.document(), later.load_document(path)}) {
        EXPECT_TRUE(held.complete());
        EXPECT_EQ(held.tokens().size(), kHeld);
        const std::vector<Branch> all = questions(1000);
        PrefillResult found = prefill_with(all, held);
        EXPECT_EQ(found.stats.held_tokens, kHeld);
        expect_same(found, session_.prefill(all));
    }
    // What is held in memory makes the same file.
    EXPECT_TRUE(later.save_document(document(), folder_.path() / "copy"));
    EXPECT_EQ(test::contents(folder_.path() / "copy"), test::contents(path));
    // And one in a file serves to make a longer one.
    const Branch longer = question(1200, 9, test::snapkv_cache(64, 16), 8);
    PrefillTask further = later.begin_prefill(
        {&longer, 1}, {.document = later.load_document(path), .hold = 1100, .hold_file = folder_.path() / "longer"});
    while (further.advance()) {
    }
    const std::vector<Branch> all = questions(1200);
    PrefillResult found = prefill_with(all, further.document().value());
    EXPECT_EQ(found.stats.held_tokens, 1100U);
    expect_same(found, session_.prefill(all));
}

TEST_P(DocumentOf, InAFileThatIsDamagedIsNeverUsed) {
    const std::filesystem::path path = folder_.path() / "document";
    EXPECT_TRUE(session_.save_document(document(), path));
    const std::string whole = test::contents(path);
    const std::vector<Branch> all = questions(1000);
    const auto use = [&](const std::string & contents) {
        std::ofstream(path, std::ios::binary) << contents;
        static_cast<void>(prefill_with(all, session_.load_document(path)));
    };
    EXPECT_NO_THROW(use(whole));
    for (std::size_t at = 0; at < whole.size(); at += at < 600 ? 7 : whole.size() / 37) {
        SCOPED_TRACE(at);
        std::string altered = whole;
        altered[at] = static_cast<char>(altered[at] ^ 4);
        if (at % 64 == 0 || at < 600) {  // not in the few bytes between layers
            test::error_of(ErrorKind::Input, [&] { use(altered); });
        }
    }
    for (const std::size_t bytes : {std::size_t{0}, std::size_t{5}, std::size_t{31}, std::size_t{40}, std::size_t{900},
                                    whole.size() / 2, whole.size() - 1}) {
        test::error_of(ErrorKind::Input, [&] { use(whole.substr(0, bytes)); });
    }
    test::error_of(ErrorKind::Input, [&] { use(whole + "x"); });
    std::filesystem::remove(path);
    test::error_of(ErrorKind::Input, [&] { static_cast<void>(session_.load_document(path)); });
    std::filesystem::create_directory(path);
    test::error_of(ErrorKind::Input, [&] { static_cast<void>(session_.load_document(path)); });
}

TEST_P(DocumentOf, ThatCannotBeWrittenEndsNothing) {
    const Branch asked = question(1000, 9, test::snapkv_cache(64, 16), 8);
    const std::filesystem::path path = folder_.path() / "missing" / "document";
    PrefillTask task = session_.begin_prefill({&asked, 1}, {.hold = kHeld, .hold_file = path});
    PrefillResult found = finish(task);
    expect_same(found, session_.prefill({&asked, 1}));
    EXPECT_FALSE(task.document());
    EXPECT_EQ(task.document_error().rfind(path.string(), 0), 0U) << task.document_error();
    test::error_of(ErrorKind::Machine, [&] { static_cast<void>(session_.save_document(document(), path)); });
    // Given up half-way: no file is left.
    PrefillTask dropped = session_.begin_prefill({&asked, 1}, {.hold = kHeld, .hold_file = folder_.path() / "half"});
    for (int unit = 0; unit < 20; ++unit) {
        dropped.advance();
    }
    dropped = session_.begin_prefill({&asked, 1});
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
    PrefillTask unfinished = session_.begin_prefill({&asked, 1}, {.hold = kHeld});
    test::error_of(ErrorKind::Usage,
                   [&] { static_cast<void>(session_.save_document(*unfinished.document(), folder_.path() / "x")); });
}

TEST_P(DocumentOf, InAFileOfAnotherModelIsRefused) {
    const std::filesystem::path path = folder_.path() / "document";
    EXPECT_TRUE(session_.save_document(document(), path));
    const test::LoadedFamily other(std::string(GetParam()) == "llama" ? "gemma3" : "llama", 4096);
    Session elsewhere = other.session();
    test::error_of(ErrorKind::Input, [&] { static_cast<void>(elsewhere.load_document(path)); });
}

/// The memory of a layer that is read is counted, and there is no other.
TEST_P(DocumentOf, InAFileTakesTheMemoryOfALayer) {
    const std::filesystem::path path = folder_.path() / "document";
    EXPECT_TRUE(session_.save_document(document(), path));
    const Document held = session_.load_document(path);
    for (const CacheConfig & cache : {test::snapkv_cache(64, 16), test::full_cache()}) {
        const std::vector<Branch> all{question(1000, 20, cache, 2)};
        PrefillTask task = session_.begin_prefill(all, {.document = held});
        const PrefillResult result = finish(task);
        EXPECT_EQ(session_.estimate(all, 0, {.document = held}).cache_bytes, result.stats.cache_bytes_peak);
    }
    const Branch asked = question(1000, 20, test::snapkv_cache(64, 16), 2);
    const PrefillOptions options{.hold = kHeld, .hold_file = folder_.path() / "other"};
    PrefillTask task = session_.begin_prefill({&asked, 1}, options);
    const PrefillResult result = finish(task);
    EXPECT_EQ(session_.estimate({&asked, 1}, 0, options).cache_bytes, result.stats.cache_bytes_peak);
}

TEST_P(DocumentOf, OfAnotherTypeIsNotUsed) {
    const Document held = document();  // float32
    const std::vector<Branch> all{question(1000, 20, test::snapkv_cache(64, 16, KvType::F16), 2)};
    PrefillResult found = prefill_with(all, held);
    EXPECT_EQ(found.stats.held_tokens, 0U);
    expect_same(found, session_.prefill(all));
}

TEST_P(DocumentOf, IsEstimated) {
    const std::vector<Branch> all = questions(1000);
    const Document held = document();
    const Estimate estimate = session_.estimate(all, 0, {.document = held});
    EXPECT_EQ(estimate.prompt_tokens, 100U + 20 + 70 + 300);
    EXPECT_LT(estimate.bytes_needed, session_.estimate(all, 0).bytes_needed);
    const Branch asked = question(1000, 9, test::snapkv_cache(64, 16), 8);
    const std::uint64_t row = session_.model().info().cache_bytes_per_token(KvType::F32);
    EXPECT_GT(session_.estimate({&asked, 1}, 0, {.hold = kHeld}).bytes_needed,
              session_.estimate({&asked, 1}, 0).bytes_needed + kHeld * row / 4);
}

TEST_P(DocumentOf, OfAnotherModelIsRefused) {
    const test::LoadedFamily other(std::string(GetParam()) == "llama" ? "gemma3" : "llama", 4096);
    Session elsewhere = other.session();
    const Document held = document();
    const Branch asked = question(1000, 9, test::snapkv_cache(64, 16), 8);
    test::error_of(ErrorKind::Usage, [&] {
        static_cast<void>(elsewhere.begin_prefill({&asked, 1}, {.document = held}));
    });
    test::error_of(ErrorKind::Usage, [&] { static_cast<void>(session_.begin_prefill({&asked, 1}, {.hold = 2000})); });
}

INSTANTIATE_TEST_SUITE_P(Families, DocumentOf,
                         ::testing::Values("llama", "gemma3", "qwen35moe", "deepseek2", "gpt-oss"),
                         [](const auto & info) {
                             std::string name = info.param;
                             std::replace(name.begin(), name.end(), '-', '_');
                             return name;
                         });

}  // namespace
}  // namespace snapkv

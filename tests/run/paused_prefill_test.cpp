// A prefill that is written between two layers and goes on from the file, in another session.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "run/checksum.h"
#include "run/loaded_family.h"
#include "run/tiny_run.h"
#include "support/error_of.h"
#include "support/temporary_folder.h"

namespace snapkv {
namespace {

using ::testing::AnyOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Branches with the trunk as their prompt, two of which share its rows, and with suffixes.
std::vector<Branch> paused_branches(KvTypes type = KvType::F32) {
    const std::vector<Token> trunk = test::random_tokens(900, 1);
    const auto with_suffix = [&](std::size_t suffix, std::uint32_t seed) {
        return test::joined(trunk, test::random_tokens(suffix, seed));
    };
    return {test::branch_of(trunk, test::snapkv_cache(48, 16, type)), test::branch_of(trunk, test::full_cache(type)),
            test::branch_of(trunk, test::full_cache(type)),
            test::branch_of(with_suffix(20, 2), test::snapkv_cache(48, 24, type)),
            test::branch_of(with_suffix(70, 3), test::full_cache(type))};
}

/// Advances to the end of the next layer; false at the end of all.
bool finish_layer(PrefillTask & task) {
    while (task.advance()) {
        if (task.between_layers()) {
            return true;
        }
    }
    return false;
}

PrefillResult finished(PrefillTask task) {
    while (task.advance()) {
    }
    return task.take();
}

std::string bytes_of_file(const std::filesystem::path & path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void expect_same(const PrefillResult & found, const PrefillResult & expected) {
    ASSERT_EQ(found.sequences.size(), expected.sequences.size());
    for (std::size_t index = 0; index < found.sequences.size(); ++index) {
        SCOPED_TRACE(index);
        EXPECT_TRUE(test::same_bits(found.sequences[index].logits(), expected.sequences[index].logits()));
        EXPECT_EQ(found.sequences[index].kept_positions(), expected.sequences[index].kept_positions());
    }
    EXPECT_EQ(found.stats.computed_tokens, expected.stats.computed_tokens);
}

class PausedPrefills : public ::testing::TestWithParam<const char *> {
protected:
    test::LoadedFamily family_{GetParam(), 2048};
    Session session_ = family_.session();
    test::TemporaryFolder folder_;
    std::filesystem::path path_ = folder_.path() / "paused";
    std::vector<Branch> branches_ = paused_branches();
};

TEST_P(PausedPrefills, GoOnFromAnyLayerInAnotherSession) {
    const PrefillResult expected = session_.prefill(branches_);
    PrefillTask task = session_.begin_prefill(branches_);
    EXPECT_FALSE(task.between_layers());
    std::uint32_t layers = 0;
    while (finish_layer(task)) {
        ++layers;
        ASSERT_TRUE(task.save(path_));
        Session other = family_.session();
        PrefillTask resumed = other.resume_prefill(branches_, {}, path_);
        EXPECT_EQ(resumed.progress().layer, layers);
        EXPECT_EQ(resumed.progress().done, task.progress().done);
        PrefillResult found = finished(std::move(resumed));
        expect_same(found, expected);
        Sequence one = std::move(found.sequences[3]);
        Sequence same = expected.sequences[3].fork();
        EXPECT_EQ(test::greedy(other, one, 4), test::greedy(session_, same, 4));
    }
    EXPECT_EQ(layers + 1, session_.model().info().layers);
    expect_same(task.take(), expected);
}

TEST_P(PausedPrefills, KeepWhatIsHeldInMemoryAndInFiles) {
    const std::filesystem::path whole = folder_.path() / "whole";
    static_cast<void>(session_.prefill(branches_, {.hold = 850, .hold_file = whole}));
    for (const bool in_file : {false, true}) {
        const std::filesystem::path document = folder_.path() / "document";
        const PrefillOptions options{.hold = 850, .hold_file = in_file ? document : std::filesystem::path()};
        std::optional<PrefillTask> task = session_.begin_prefill(branches_, options);
        ASSERT_TRUE(finish_layer(*task));
        ASSERT_TRUE(finish_layer(*task));
        ASSERT_TRUE(task->save(path_));
        task.reset();
        EXPECT_FALSE(std::filesystem::exists(document));
        Session other = family_.session();
        PrefillTask resumed = other.resume_prefill(branches_, options, path_);
        while (resumed.advance()) {
        }
        EXPECT_EQ(resumed.document_error(), "");
        ASSERT_TRUE(resumed.document().has_value());
        if (!in_file) {
            ASSERT_TRUE(other.save_document(*resumed.document(), document));
        }
        EXPECT_TRUE(bytes_of_file(document) == bytes_of_file(whole));
        std::filesystem::remove(document);
    }
}

TEST_P(PausedPrefills, UseADocumentOnceMore) {
    PrefillTask first = session_.begin_prefill(branches_, {.hold = 850});
    while (first.advance()) {
    }
    const PrefillOptions options{.document = first.document()};
    const PrefillResult expected = session_.prefill(branches_, options);
    EXPECT_GT(expected.stats.held_tokens, 0U);
    PrefillTask task = session_.begin_prefill(branches_, options);
    ASSERT_TRUE(finish_layer(task));
    ASSERT_TRUE(task.save(path_));
    expect_same(finished(session_.resume_prefill(branches_, options, path_)), expected);
    EXPECT_THAT(
        test::error_of(ErrorKind::Input, [&] { static_cast<void>(session_.resume_prefill(branches_, {}, path_)); }),
        EndsWith("it was paused with other prompts, cache configurations or documents than are given now"));
}

TEST_P(PausedPrefills, ForgetDroppedBranches) {
    const PrefillResult all = session_.prefill(branches_);
    PrefillTask task = session_.begin_prefill(branches_);
    ASSERT_TRUE(finish_layer(task));
    task.drop(1);
    task.drop(3);
    ASSERT_TRUE(finish_layer(task));
    ASSERT_TRUE(task.save(path_));
    const PrefillResult found = finished(session_.resume_prefill(branches_, {}, path_));
    ASSERT_EQ(found.sequences.size(), 3U);
    for (const auto & [index, of_all] : {std::pair{0U, 0U}, {1U, 2U}, {2U, 4U}}) {
        EXPECT_TRUE(test::same_bits(found.sequences[index].logits(), all.sequences[of_all].logits()));
    }
}

INSTANTIATE_TEST_SUITE_P(Kinds, PausedPrefills, ::testing::Values("llama", "gemma3", "gpt-oss", "deepseek2", "qwen35"),
                         [](const auto & param) {
                             std::string name = param.param;
                             std::erase(name, '-');
                             return name;
                         });

/// A tiny model's prefill that rests after its first layer, and the file.
class PausedFile : public ::testing::Test {
protected:
    test::TinyRun run_;
    Session session_ = run_.session(256);
    test::TemporaryFolder folder_;
    std::filesystem::path path_ = folder_.path() / "paused";
    std::vector<Branch> branches_ = paused_branches(KvType::F16);
    PrefillTask task_ = [&] {
        PrefillTask task = session_.begin_prefill(branches_);
        EXPECT_TRUE(finish_layer(task));
        EXPECT_TRUE(task.save(path_));
        return task;
    }();

    [[nodiscard]] std::string refusal(std::span<const Branch> branches, const PrefillOptions & options = {}) {
        return test::error_of(ErrorKind::Input,
                              [&] { static_cast<void>(session_.resume_prefill(branches, options, path_)); });
    }
    void write(const std::string & bytes) const {
        std::ofstream(path_, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
};

TEST_F(PausedFile, SharesTheRowsThatBranchesShare) {
    const std::uint64_t rows =
        std::uint64_t{900} * run_.model.info().cache_bytes_per_token(KvType::F16) / run_.model.info().layers;
    const std::uint64_t hidden = std::uint64_t{990} * run_.model.info().width * sizeof(float);
    EXPECT_GT(std::filesystem::file_size(path_), hidden + rows);
    EXPECT_LT(std::filesystem::file_size(path_), hidden + 2 * rows) << "three full branches have the trunk's";
    Session undisturbed = run_.session(256);
    static_cast<void>(undisturbed.prefill(branches_));
    Session other = run_.session(256);
    EXPECT_EQ(finished(other.resume_prefill(branches_, {}, path_)).sequences.size(), branches_.size());
    EXPECT_LT(other.cache_bytes_peak(), undisturbed.cache_bytes_peak() + 4096);
}

TEST_F(PausedFile, IsOfTheSamePromptsAndConfigurations) {
    const std::string other =
        path_.string() + ": it was paused with other prompts, cache configurations or documents than are given now";
    std::vector<Branch> changed = branches_;
    changed[3].prompt.tokens.back() ^= 1;
    EXPECT_EQ(refusal(changed), other);
    changed = branches_;
    changed[0].cache.budget.value = 49;
    EXPECT_EQ(refusal(changed), other);
    changed = branches_;
    changed.pop_back();
    EXPECT_EQ(refusal(changed), other);
    EXPECT_EQ(refusal(branches_, {.hold = 100}), other);
    changed = branches_;
    changed[0].observer = {4, [](const AttentionRow &) {}};
    EXPECT_EQ(finished(session_.resume_prefill(changed, {}, path_)).sequences.size(), 5U) << "observers may differ";
}

TEST_F(PausedFile, IsOfTheSameModel) {
    const test::TinyRun other(test::TinyShape{.seed = 2});
    Session session = other.session();
    EXPECT_THAT(
        test::error_of(ErrorKind::Input, [&] { static_cast<void>(session.resume_prefill(branches_, {}, path_)); }),
        HasSubstr("saved from another model"));
}

TEST_F(PausedFile, IsRefusedWhenItIsCutOrAltered) {
    const std::string whole = bytes_of_file(path_);
    for (const std::size_t length : {std::size_t{0}, std::size_t{20}, std::size_t{100}, whole.size() - 1}) {
        write(whole.substr(0, length));
        EXPECT_THAT(refusal(branches_), StartsWith(path_.string())) << length;
    }
    std::string altered = whole;
    altered[whole.size() / 2] = static_cast<char>(altered[whole.size() / 2] ^ 1);
    write(altered);
    EXPECT_THAT(refusal(branches_), HasSubstr("altered: the checksum"));
    ASSERT_TRUE(session_.save(test::prefill_one(session_, branches_[0]), path_));
    EXPECT_THAT(refusal(branches_), EndsWith("not a paused prefill"));
    write(whole);
    EXPECT_THAT(test::error_of(ErrorKind::Input, [&] { static_cast<void>(session_.load(path_)); }),
                EndsWith("not a saved cache"));
}

/// Whatever its contents say, with a checksum that agrees: a refusal, or a prefill that goes on.
TEST_F(PausedFile, IsNotTrusted) {
    const std::string whole = bytes_of_file(path_);
    constexpr std::size_t kEnvelope = 32;
    std::mt19937 random(1);
    int refused = 0;
    for (int attempt = 0; attempt < 300; ++attempt) {
        std::string damaged = whole;
        const std::size_t hidden_begin = whole.size() / 2;  // counts and positions lie at both ends
        const std::size_t place = kEnvelope + (attempt % 2 == 0 ? random() % 4000 : random() % hidden_begin);
        damaged[attempt % 3 == 0 ? damaged.size() - 1 - random() % 4000 : place] = static_cast<char>(random());
        run::Checksum checksum;
        checksum.add(std::as_bytes(std::span(damaged)).subspan(kEnvelope));
        const std::uint64_t value = checksum.value();
        std::memcpy(damaged.data() + 24, &value, sizeof value);
        write(damaged);
        try {
            PrefillTask task = session_.resume_prefill(branches_, {}, path_);
            while (task.advance()) {
            }
        } catch (const Error & error) {
            EXPECT_EQ(error.kind(), ErrorKind::Input) << error.what();
            ++refused;
        }
    }
    EXPECT_GT(refused, 50);
}

TEST_F(PausedFile, IsWrittenBetweenLayersAlone) {
    const auto refused = [](PrefillTask & task, const std::filesystem::path & path) {
        return test::error_of(ErrorKind::Usage, [&] { static_cast<void>(task.save(path)); });
    };
    PrefillTask fresh = session_.begin_prefill(branches_);
    EXPECT_EQ(refused(fresh, path_), "a prefill is to be saved that is not between two layers");
    ASSERT_TRUE(task_.advance());
    EXPECT_FALSE(task_.between_layers());
    EXPECT_EQ(refused(task_, path_), "a prefill is to be saved that is not between two layers");
    while (task_.advance()) {
    }
    EXPECT_EQ(refused(task_, path_), "a prefill is to be saved that is not between two layers");
    static_cast<void>(task_.take());
    EXPECT_THAT(refused(task_, path_), HasSubstr("the prefill has ended"));
}

TEST_F(PausedFile, IsWrittenWholeOrNotAtAll) {
    const std::string whole = bytes_of_file(path_);
    EXPECT_FALSE(task_.save(path_, {.deadline = std::chrono::steady_clock::now()}));
    EXPECT_EQ(bytes_of_file(path_), whole);
    EXPECT_THAT(test::error_of(ErrorKind::Machine, [&] { static_cast<void>(task_.save(folder_.path() / "no" / "x")); }),
                HasSubstr("cannot be written"));
    std::vector<CallProgress> told;
    const CallOptions call{.progress = [&](const CallProgress & progress) { told.push_back(progress); }};
    ASSERT_TRUE(task_.save(path_, call));
    EXPECT_EQ(told.back().done, told.back().total);
    EXPECT_EQ(bytes_of_file(path_), whole);
    EXPECT_THAT(test::error_of(ErrorKind::Interrupted,
                               [&] {
                                   static_cast<void>(session_.resume_prefill(
                                       branches_, {}, path_, {.deadline = std::chrono::steady_clock::now()}));
                               }),
                HasSubstr("interrupted while a paused prefill is checked"));
}

}  // namespace
}  // namespace snapkv

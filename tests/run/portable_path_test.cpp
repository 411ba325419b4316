#include <gtest/gtest.h>

#include "run/tiny_run.h"
#include "support/float32.h"

namespace snapkv {
namespace {

/// Attention from ggml's own operations must compute what the project's kernels compute.
class PortablePath : public ::testing::TestWithParam<KvType> {
protected:
    attention::cpu::OnlySet only_ = test::float32_kernels();
    test::TinyRun run_;
    Session cpu_ = session(AttentionPath::Cpu);
    Session portable_ = session(AttentionPath::Portable);

    [[nodiscard]] Session session(AttentionPath path) const {
        SessionOptions options;
        options.threads = 1;
        options.batch = 100;
        options.attention = path;
        return run_.session(options);
    }

    void expect_same(const std::vector<Branch> & branches) {
        PrefillResult expected = cpu_.prefill(branches);
        PrefillResult found = portable_.prefill(branches);
        ASSERT_EQ(found.sequences.size(), branches.size());
        for (std::size_t index = 0; index < branches.size(); ++index) {
            SCOPED_TRACE(index);
            Sequence & one = expected.sequences[index];
            Sequence & other = found.sequences[index];
            EXPECT_LT(test::nmse(other.logits(), one.logits()), 1e-5);
            EXPECT_GE(test::agreement(one.kept_positions(), other.kept_positions()), 0.999);
            expect_same_steps(one, other);
        }
    }

    /// The same tokens to both: a chunk, then single ones.
    void expect_same_steps(Sequence & one, Sequence & other) {
        for (const std::size_t count : {70U, 1U, 1U, 5U}) {
            const std::vector<Token> tokens = test::random_tokens(count, 111);
            cpu_.append(one, tokens);
            portable_.append(other, tokens);
            EXPECT_LT(test::nmse(other.logits(), one.logits()), 1e-5) << count;
        }
    }
};

TEST_P(PortablePath, AgreesOnOnePrompt) {
    expect_same({test::branch_of(test::random_tokens(330, 112), test::snapkv_cache(90, 16, GetParam()))});
}

TEST_P(PortablePath, AgreesOnBranches) {
    const std::vector<Token> trunk = test::random_tokens(220, 113);
    const auto prompt = [&](std::size_t suffix, std::uint32_t seed) {
        return test::joined(trunk, test::random_tokens(suffix, seed));
    };
    expect_same({test::branch_of(prompt(0, 1), test::snapkv_cache(90, 16, GetParam())),
                 test::branch_of(prompt(30, 2), test::snapkv_cache(90, 40, GetParam())),
                 test::branch_of(prompt(80, 3), test::full_cache(GetParam()))});
}

TEST_P(PortablePath, GeneratesTheSameAnswer) {
    const Branch branch = test::branch_of(test::random_tokens(330, 114), test::snapkv_cache(90, 16, GetParam()));
    Sequence one = test::prefill_one(cpu_, branch);
    Sequence other = test::prefill_one(portable_, branch);
    for (int step = 0; step < 8; ++step) {
        const std::vector<Token> expected = test::greedy(cpu_, one, 1);
        if (test::greedy(portable_, other, 1) != expected) {
            EXPECT_LE(test::top_two_gap(one.logits()), 0.05F);
            break;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Types, PortablePath, ::testing::Values(KvType::F32, KvType::F16, KvType::BF16));

}  // namespace
}  // namespace snapkv

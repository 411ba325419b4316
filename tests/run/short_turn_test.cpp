#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "attention/cpu/attend.h"
#include "loaded_family.h"
#include "product/step_products.h"
#include "run/tiny_run.h"

namespace snapkv {
namespace {

std::vector<Token> tokens(std::size_t count, Token first) {
    std::vector<Token> ids(count);
    std::iota(ids.begin(), ids.end(), first);
    for (Token & id : ids) {
        id = 3 + id * 7 % 200;
    }
    return ids;
}

class ShortTurn : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Families, ShortTurn, testing::Values("llama", "gemma3", "deepseek2", "gpt-oss"),
                         [](const auto & tested) {
                             std::string name = tested.param;
                             std::erase(name, '-');
                             return name;
                         });

/// Up to 33 tokens: what speculation verifies, and a short question. Where products or attention are another
/// implementation's from fewer on, so many.
TEST_P(ShortTurn, HasTheBitsOfItsTokensOneByOne) {
    const test::LoadedFamily family(GetParam());
    Session session = family.session();
    Branch branch;
    branch.prompt.tokens = tokens(150, 0);
    branch.prompt.question_begin = branch.prompt.tokens.size();
    branch.cache = test::snapkv_cache(60, 8);
    PrefillResult prefill = session.prefill({&branch, 1});
    const Sequence & prompt = prefill.sequences.front();
    for (const std::uint32_t count : {2U, 5U, 8U, 12U, 33U}) {
        if (count > std::min(product::StepProducts::most_rows(), attention::cpu::few_tokens())) {
            continue;
        }
        const std::vector<Token> turn = tokens(count, 500);
        Sequence whole = prompt.fork();
        session.append(whole, turn);
        Sequence single = prompt.fork();
        for (const Token token : turn) {
            session.append(single, std::span(&token, 1));
        }
        EXPECT_TRUE(test::same_bits(whole.logits(), single.logits())) << count << " tokens";
    }
}

}  // namespace
}  // namespace snapkv

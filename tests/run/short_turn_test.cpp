#include <gtest/gtest.h>

#include <numeric>
#include <span>
#include <string>
#include <vector>

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

/// Up to 33 tokens: what speculation verifies, and a short question. Without dot products of our own longer turns are
/// another implementation's.
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
        if (count > product::StepProducts::most_rows()) {
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

#include "attention/token_tree.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

#include "attention/oracle.h"

namespace snapkv::attention {
namespace {

TEST(TokenTree, KnowsEveryPath) {
    test::Random random(1);
    for (int tree_index = 0; tree_index < 200; ++tree_index) {
        std::vector<std::int32_t> parents(1 + random.below(TokenTree::kMost));
        for (std::size_t i = 0; i < parents.size(); ++i) {
            parents[i] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(i) + 1)) - 1;
        }
        const TokenTree tree(parents);
        ASSERT_EQ(tree.size(), parents.size());
        std::uint32_t levels = 0;
        bool chain = true;
        for (std::uint32_t token = 0; token < tree.size(); ++token) {
            std::set<std::uint32_t> path;
            for (auto at = static_cast<std::int32_t>(token); at >= 0; at = parents[static_cast<std::size_t>(at)]) {
                path.insert(static_cast<std::uint32_t>(at));
            }
            EXPECT_TRUE(std::ranges::equal(tree.path(token), path));
            EXPECT_EQ(tree.depth(token) + 1, path.size());
            for (std::uint32_t other = 0; other < tree.size(); ++other) {
                EXPECT_EQ(tree.sees(token, other), path.contains(other)) << token << ", " << other;
            }
            levels = std::max(levels, static_cast<std::uint32_t>(path.size()));
            chain = chain && parents[token] == static_cast<std::int32_t>(token) - 1;
        }
        EXPECT_EQ(tree.levels(), levels);
        EXPECT_EQ(tree.is_chain(), chain);
    }
}

}  // namespace
}  // namespace snapkv::attention

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "attention/token_tree.h"
#include "base/block.h"
#include "kv/layer_rows.h"
#include "snapkv/model.h"

namespace snapkv::run {

/// What the tokens of a tree have, in their order and apart from the sequence that they continue. It stays for the next
/// tree: a step allocates nothing then.
struct TreeMemory {
    std::vector<kv::LayerRows> rows{};  ///< [layer], dense: TokenTree::kMost of them; no heads where a layer recurs
    Block logits{};                     ///< [TokenTree::kMost][vocabulary] floats
};

/// Tokens that continue a sequence as a tree, computed and not yet part of it. A value.
struct PendingTree {
    std::vector<Token> tokens;
    attention::TokenTree tree;

    /// The tokens that lead from the sequence to this one.
    [[nodiscard]] std::vector<Token> path_to(std::uint32_t token) const {
        std::vector<Token> path;
        for (const std::uint32_t each : tree.path(token)) {
            path.push_back(tokens[each]);
        }
        return path;
    }
};

}  // namespace snapkv::run

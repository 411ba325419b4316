#include "snapkv/named_policy.h"

#include <fmt/core.h>

#include <array>
#include <string>

namespace snapkv {
namespace {

constexpr Cluster kAlone = Cluster::kernel(1, Pooling::None);

constexpr std::array<NamedPolicy, 13> kPolicies{{
    {.policy = Policy::Full, .name = "full", .keeps = "every row", .cost = "none"},
    {.policy = Policy::SnapKV,
     .name = "snapkv",
     .source = "2404.14469",
     .keeps = "what the prompt's last tokens attend to, and their rows",
     .cost = "a vote of the window",
     .cluster = Cluster::kernel(7),
     .voters = {32, 32, 256},
     .recent = {RecentRows::Rule::Window}},
    {.policy = Policy::Auto,  // docs/results.md, "Clusters and voters", says why
     .name = "auto",
     .keeps = "as snapkv, whole words, the later voters counting for more",
     .cost = "a vote of the window",
     .evidence = Evidence::Recency,
     .cluster = {.back = 3, .ahead = 3, .words = true},
     .voters = {32, 128, 256},
     .recent = {RecentRows::Rule::Question, 32}},
    {.policy = Policy::Streaming,
     .name = "streaming",
     .source = "2309.17453",
     .keeps = "the first 4 rows and the last ones",
     .cost = "none: there is no vote",
     .evidence = Evidence::None,
     .own_evidence = true,
     .cluster = kAlone,
     .recent = {RecentRows::Rule::Rest},
     .sink = 4,
     .evicts_while_generating = true},
    {.policy = Policy::Tova,
     .name = "tova",
     .source = "2401.06104",
     .keeps = "what the last token attends to, the same rows in all KV heads of a layer",
     .cost = "a vote of one token",
     .own_evidence = true,
     .group = GroupReduce::Layer,
     .cluster = kAlone,
     .voters = Voters::last(1),
     .recent = {RecentRows::Rule::Fixed, 0},
     .evicts_while_generating = true},
    {.policy = Policy::H2O,
     .name = "h2o",
     .source = "2306.14048",
     .keeps = "half the budget by the attention of all tokens, half the last rows",
     .cost = "a second product of queries and keys: more than half of attention's time again",
     .evidence = Evidence::Accumulated,
     .own_evidence = true,
     .cluster = kAlone,
     .recent = {RecentRows::Rule::Half},
     .evicts_while_generating = true},
    {.policy = Policy::ScissorHands,
     .name = "scissorhands",
     .source = "2305.17118",
     .keeps = "what the last 400 tokens most often attend to more than evenly, and the last 10 rows",
     .cost = "a vote of 400 tokens",
     .evidence = Evidence::Pivotal,
     .own_evidence = true,
     .cluster = kAlone,
     .voters = Voters::last(400),
     .recent = {RecentRows::Rule::Fixed, 10},
     .evicts_while_generating = true},
    {.policy = Policy::Ada,
     .name = "ada",
     .source = "2407.11550",
     .keeps = "as snapkv, more rows in KV heads whose votes stand out",
     .cost = "a vote of the window",
     .cluster = Cluster::kernel(7),
     .allocation = Allocation::Heads,
     .voters = {32, 32, 256},
     .recent = {RecentRows::Rule::Window}},
    {.policy = Policy::KeyDiff,
     .name = "keydiff",
     .source = "2504.15364",
     .keeps = "the rows whose keys resemble the others least, the first 4 and the question's",
     .cost = "a pass over the keys: there are no voters",
     .evidence = Evidence::Keys,
     .own_evidence = true,
     .cluster = kAlone,
     .recent = {RecentRows::Rule::Question, 32},
     .sink = 4},
    {.policy = Policy::Chunk,
     .name = "chunk",
     .source = "2502.00299",
     .keeps = "whole chunks of 20 rows that the prompt's last tokens attend to, the same in all KV heads of a layer",
     .cost = "a vote of the window",
     .group = GroupReduce::Layer,
     .cluster = Cluster::chunk(20),
     .voters = {32, 32, 256},
     .recent = {RecentRows::Rule::Window}},
    {.policy = Policy::DropKV,
     .name = "dropkv",
     .keeps = "the rows without which the outputs of the prompt's last tokens would change most",
     .cost = "a vote of the window, and the values of all rows twice for it",
     .evidence = Evidence::Output,
     .own_evidence = true,
     .group = GroupReduce::Sum,
     .cluster = kAlone,
     .voters = {32, 32, 256},
     .recent = {RecentRows::Rule::Window}},
    {.policy = Policy::Pyramid,
     .name = "pyramid",
     .source = "2406.02069",
     .keeps = "as snapkv, most rows in the first layer and fewer in each further one",
     .cost = "a vote of the window",
     .cluster = Cluster::kernel(7),
     .allocation = Allocation::Pyramid,
     .voters = {32, 32, 256},
     .recent = {RecentRows::Rule::Window}},
    {.policy = Policy::Lava,
     .name = "lava",
     .source = "2509.09754",
     .keeps = "as snapkv, more rows in KV heads whose votes stand out and in layers whose votes are spread",
     .cost = "a vote of the window, a pass over the values",
     .evidence = Evidence::Values,
     .group = GroupReduce::Max,
     .cluster = Cluster::kernel(7),
     .allocation = Allocation::Entropy,
     .voters = {32, 32, 256},
     .recent = {RecentRows::Rule::Window}},
}};

}  // namespace

std::string budget_text(const Budget & budget) {
    switch (budget.unit) {
        case Budget::Unit::Percent:
            return fmt::format("{}%", budget.value);
        case Budget::Unit::Mass:
            return fmt::format("mass:{}%:{}", budget.value, budget.most);
        case Budget::Unit::Rows:
            break;
    }
    return fmt::format("{}", budget.value);
}

std::span<const NamedPolicy> named_policies() {
    return kPolicies;
}

}  // namespace snapkv

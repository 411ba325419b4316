#include "kv/recurrent_state.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace snapkv::kv {
namespace {

std::vector<float> contents(const RecurrentState & state, std::uint32_t layer) {
    return {state.of(layer), state.of(layer) + state.floats(layer)};
}

TEST(RecurrentState, BeginsWithZerosWhereLayersHaveAny) {
    Arena arena;
    const RecurrentState state(arena, {3, 0, 2});
    EXPECT_EQ(state.layers(), 3U);
    EXPECT_EQ(state.all_floats(), (std::vector<std::size_t>{3, 0, 2}));
    EXPECT_EQ(contents(state, 0), std::vector<float>(3));
    EXPECT_EQ(contents(state, 1), std::vector<float>());
    EXPECT_EQ(contents(state, 2), std::vector<float>(2));
    EXPECT_EQ(arena.meter().alive(), 5 * sizeof(float));
}

TEST(RecurrentState, CountsWhatAStepWroteOnlyOnceItIsDone) {
    Arena arena;
    RecurrentState state(arena, {1, 2});
    *state.next(0) = 1;
    std::fill_n(state.next(1), 2, 2.0F);
    EXPECT_EQ(contents(state, 1), std::vector<float>(2));
    state.advance();
    EXPECT_EQ(contents(state, 0), std::vector<float>(1, 1));
    EXPECT_EQ(contents(state, 1), std::vector<float>(2, 2));
    *state.next(0) = 3;  // a step that fails
    EXPECT_EQ(contents(state, 0), std::vector<float>(1, 1));
}

TEST(RecurrentState, CopiesAreIndependent) {
    Arena arena;
    RecurrentState state(arena, {1, 1});
    *state.of(1) = 5;
    RecurrentState other = state.copy();
    *state.of(1) = 6;
    EXPECT_EQ(contents(other, 1), std::vector<float>(1, 5));
    *other.next(0) = 7;
    *other.next(1) = 8;
    other.advance();
    EXPECT_EQ(contents(other, 0), std::vector<float>(1, 7));
    EXPECT_EQ(contents(state, 0), std::vector<float>(1, 0));
}

TEST(RecurrentState, OfAModelWithoutSuchLayersTakesNothing) {
    Arena arena;
    RecurrentState state(arena, {0, 0});
    state.advance();
    EXPECT_EQ(state.copy().layers(), 2U);
    EXPECT_EQ(arena.meter().alive(), 0U);
}

}  // namespace
}  // namespace snapkv::kv

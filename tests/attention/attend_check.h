#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "attention/cpu/attend.h"
#include "attention/cpu/instruction_sets.h"
#include "attention/oracle.h"
#include "kv/layer_rows.h"

/// Attention of one unit on the project's kernels against the oracle.
namespace snapkv::attention {

using test::OwnedRows;
using test::Random;

/// What an output holds before: rows that nobody writes show.
inline constexpr float kUntouched = 12345;

inline AttentionSpec spec_of(std::uint32_t kv_heads, std::uint32_t group, std::uint32_t key_size,
                             std::uint32_t value_size) {
    AttentionSpec spec{.heads = kv_heads * group, .kv_heads = kv_heads, .key_size = key_size, .value_size = value_size};
    spec.scale = 6.0F / std::sqrt(static_cast<float>(key_size));
    return spec;
}

inline LayerUnit unit_of(const AttentionSpec & spec, KvTypes type) {
    LayerUnit unit;
    unit.spec = spec;
    unit.shape = {.kv_heads = spec.kv_heads, .key_size = spec.key_size, .value_size = spec.value_size, .type = type};
    return unit;
}

/// Runs `body` on `threads` threads and waits for all of them.
template <typename Body>
void on_threads(std::uint32_t threads, const Body & body) {
    std::vector<std::thread> running;
    for (std::uint32_t thread = 0; thread < threads; ++thread) {
        running.emplace_back([&body, thread] { body(thread); });
    }
    for (std::thread & thread : running) {
        thread.join();
    }
}

inline std::vector<float> run(const LayerUnit & unit, std::uint32_t chunk_rows, const std::vector<float> & q,
                              std::uint32_t threads) {
    cpu::Attend attend;
    attend.prepare(unit, chunk_rows, threads);
    std::vector<float> out(std::size_t{chunk_rows} * unit.spec.heads * unit.spec.value_size, kUntouched);
    std::vector<std::vector<float>> scratch(threads, std::vector<float>(attend.thread_floats(), std::nanf("")));
    std::vector<float> partials(attend.partial_floats(), std::nanf(""));
    on_threads(threads, [&](std::uint32_t thread) {
        attend.attend(thread, q.data(), out.data(), scratch[thread].data(), partials.data());
    });
    return out;
}

inline bool same_bits(const std::vector<float> & a, const std::vector<float> & b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct Tolerance {
    double nmse;
    double element;
};

/// Bfloat16 products round queries, keys, values and weights to 8 bits.
inline Tolerance tolerance_of(const LayerUnit & unit, const cpu::InstructionSet & set) {
    return set.bf16 && unit.shape.type != KvType::F32 ? Tolerance{1e-4, 0.05} : Tolerance{1e-10, 1e-4};
}

/// With every instruction set: compares every span with the oracle and every other row with zero, then the bits for
/// several numbers of threads.
inline void check(const LayerUnit & unit, std::uint32_t chunk_rows, std::uint32_t seed) {
    Random random(seed);
    const std::vector<float> q = random.numbers(std::size_t{chunk_rows} * unit.spec.heads * unit.spec.key_size);
    const std::vector<double> expected = test::attend(unit, chunk_rows, q);
    for (const cpu::InstructionSet & set : cpu::instruction_sets()) {
        SCOPED_TRACE(set.name);
        const cpu::OnlySet only(set);
        const Tolerance tolerance = tolerance_of(unit, set);
        const std::vector<float> out = run(unit, chunk_rows, q, 1);
        EXPECT_LT(test::nmse(out, expected), tolerance.nmse);
        for (std::size_t i = 0; i < out.size(); ++i) {
            ASSERT_NEAR(out[i], expected[i], tolerance.element) << i;
            if (expected[i] == 0) {
                ASSERT_EQ(out[i], 0) << "padding, or a row that sees nothing, at " << i;
            }
        }
        for (const std::uint32_t threads : {2U, 3U, 5U}) {
            EXPECT_TRUE(same_bits(run(unit, chunk_rows, q, threads), out)) << threads << " threads";
        }
    }
}

/// Rows of every KV head, and the span that looks at all of them.
class Sequence {
public:
    explicit Sequence(const LayerUnit & unit) : heads_(unit.spec.kv_heads) {}

    Sequence & dense(Random & random, const kv::LayerShape & shape, std::uint32_t first, std::uint32_t rows) {
        for (auto & head : heads_) {
            head.push_back(random_rows(random, shape, first, rows));
        }
        return *this;
    }

    /// Every head other positions and another number of rows, which may be none.
    Sequence & ragged(Random & random, const kv::LayerShape & shape, std::uint32_t rows) {
        for (std::uint32_t head = 0; head < heads_.size(); ++head) {
            heads_[head].push_back(random_packed(random, shape, head, rows * head / 2));
        }
        return *this;
    }

    [[nodiscard]] QuerySpan span(std::uint32_t row, std::uint32_t count, std::uint32_t first) const {
        QuerySpan span{.row = row, .count = count, .first = Position{first}, .rows = {}};
        for (const auto & head : heads_) {
            std::vector<kv::HeadRows> & views = span.rows.emplace_back();
            for (const OwnedRows & rows : head) {
                views.push_back(rows.view());
            }
        }
        return span;
    }

private:
    std::vector<std::vector<OwnedRows>> heads_;
};

}  // namespace snapkv::attention

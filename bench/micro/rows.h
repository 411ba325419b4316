#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "attention/store.h"
#include "kv/layer_rows.h"

namespace snapkv::micro {

/// The heads of a real model.
struct Heads {
    const char * name;
    std::uint32_t heads;
    std::uint32_t kv_heads;
    std::uint32_t size;
};
inline constexpr Heads kSmolLm2{"SmolLM2-135M", 9, 3, 64};
inline constexpr Heads kMistral{"Mistral-7B", 32, 8, 128};

inline std::vector<float> random_numbers(std::size_t count, std::uint32_t seed = 1) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> number(-1, 1);
    std::vector<float> numbers(count);
    std::generate(numbers.begin(), numbers.end(), [&] { return number(random); });
    return numbers;
}

/// One layer: a specification, `rows` random K/V rows and a unit in which `queries` rows at the end look at them.
class Layer {
public:
    Layer(const Heads & heads, KvType type, std::uint32_t rows, std::uint32_t queries)
        : rows_(kv::LayerRows::dense(arena_, {heads.kv_heads, heads.size, heads.size, type}, rows, Position{0})) {
        const kv::LayerShape & shape = rows_.shape();
        unit_.spec = {.heads = heads.heads,
                      .kv_heads = heads.kv_heads,
                      .key_size = heads.size,
                      .value_size = heads.size,
                      .scale = 1.0F / std::sqrt(static_cast<float>(heads.size))};
        unit_.shape = shape;
        const std::uint32_t second = shape.kv_heads > 1 ? 1 : 0;
        unit_.stores.push_back({0, rows, rows_.key_row(0, 0), rows_.value_row(0, 0),
                                static_cast<std::size_t>(rows_.key_row(second, 0) - rows_.key_row(0, 0)),
                                static_cast<std::size_t>(rows_.value_row(second, 0) - rows_.value_row(0, 0))});
        const std::vector<float> numbers = random_numbers(std::size_t{rows} * shape.kv_heads * heads.size);
        attention::store_rows(unit_, numbers.data(), numbers.data(), 0, 1);
        unit_.stores.clear();
        rows_.set_rows(rows);
        attention::QuerySpan span{0, queries, Position{rows - queries}, {}};
        for (std::uint32_t head = 0; head < heads.kv_heads; ++head) {
            span.rows.push_back({rows_.head(head)});
        }
        unit_.queries.push_back(std::move(span));
    }

    [[nodiscard]] const attention::LayerUnit & unit() const { return unit_; }
    /// Of all rows.
    [[nodiscard]] double bytes() const {
        return static_cast<double>(rows_.shape().row_bytes()) * static_cast<double>(rows_.total_rows());
    }

private:
    kv::Arena arena_;
    kv::LayerRows rows_;
    attention::LayerUnit unit_;
};

/// Pairs of a query position and a row that it sees.
inline double seen_pairs(double rows, double queries) {
    return queries * (rows - (queries - 1) / 2);
}

}  // namespace snapkv::micro

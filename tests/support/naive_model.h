#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "snapkv/sequence.h"
#include "support/tiny_model.h"

namespace snapkv::test {

/// The llama architecture as plain loops in double precision over a tiny model's weights, with all rows kept: the
/// oracle of the engine. Eviction is a mask over its full cache. Shares no code with the engine. Copies are
/// independent. RoPE: linear scaling and factors. Where a matrix is F16, its input is rounded to F16 as ggml's
/// products do.
class NaiveModel {
public:
    /// `model` must outlive it and its copies.
    explicit NaiveModel(const TinyModel & model);

    /// Appends tokens at the next positions; they see all rows that are not masked.
    void feed(std::span<const Token> tokens);
    /// Masks, for all that is fed from now on, the rows so far that are not among the kept ones.
    void keep(const KeptPositions & kept);

    [[nodiscard]] std::uint32_t positions() const { return static_cast<std::uint32_t>(hidden_.size()); }
    /// Logits after the token at `position`.
    [[nodiscard]] std::vector<double> logits(std::uint32_t position) const;
    [[nodiscard]] std::vector<double> last_logits() const { return logits(positions() - 1); }

    /// Rotated queries and keys of one position and head.
    [[nodiscard]] std::span<const double> query(std::uint32_t layer, std::uint32_t head, std::uint32_t position) const;
    [[nodiscard]] std::span<const double> key(std::uint32_t layer, std::uint32_t head, std::uint32_t position) const;
    [[nodiscard]] std::span<const double> value(std::uint32_t layer, std::uint32_t head, std::uint32_t position) const;

private:
    using Row = std::vector<double>;
    struct Layer {
        std::vector<Row> queries;               ///< [position][head x key size]
        std::vector<Row> keys;                  ///< [position][KV head x key size]
        std::vector<Row> values;                ///< [position][KV head x value size]
        std::vector<std::vector<bool>> masked;  ///< [KV head][position]
    };
    [[nodiscard]] Row normalised(const Row & x, const std::string & name) const;
    [[nodiscard]] Row product(const Row & x, const std::string & name) const;
    [[nodiscard]] Row linear(const Row & x, const std::string & name) const;
    void rotate(Row & x, std::uint32_t position) const;
    [[nodiscard]] Row attend(const Layer & layer, std::uint32_t position) const;
    void feed_layer(std::uint32_t index, std::uint32_t position);

    const TinyModel * model_;
    std::vector<Layer> layers_;
    std::vector<Row> hidden_;  ///< [position][width], after the last layer that ran
};

/// Squared error over squared expectation; infinite where anything is not finite.
[[nodiscard]] double nmse(std::span<const float> found, std::span<const double> expected);
[[nodiscard]] double nmse(std::span<const float> found, std::span<const float> expected);

}  // namespace snapkv::test

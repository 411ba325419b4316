#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/block.h"
#include "kv/row_chain.h"
#include "model/hyper_parameters.h"
#include "snapkv/model.h"

namespace snapkv::run {

/// What one layer keeps of a text: its rows, or where it recurs its state.
struct HeldLayer {
    kv::RowChain rows;
    std::shared_ptr<const Block> state;  ///< floats, where it recurs
};

/// Where prefills find the rows of a text's first tokens instead of computing them. Rows are of one float type, and
/// complete in each layer, but where it slides.
class RowSource {
public:
    virtual ~RowSource() = default;

    [[nodiscard]] virtual std::span<const Token> tokens() const = 0;
    [[nodiscard]] virtual KvType type() const = 0;
    /// Layers that are there: fewer than the model's while a prefill is still computing them.
    [[nodiscard]] virtual std::uint32_t layers() const = 0;
    /// One of those, in memory from `arena` if it has to be read. Throws Error where it cannot be had.
    [[nodiscard]] virtual HeldLayer layer(std::uint32_t index, kv::Arena & arena) const = 0;
    /// Layers are read, and so take memory of those who ask for them.
    [[nodiscard]] virtual bool reads() const = 0;
};

/// Where a prefill leaves the rows of its first tokens.
class RowSink {
public:
    virtual ~RowSink() = default;

    /// The next layer. Throws Error(Machine) where memory ends.
    virtual void add_layer(const HeldLayer & layer) = 0;
    /// More layers are wanted.
    [[nodiscard]] virtual bool open() const = 0;
    /// Layers that it was given and has.
    [[nodiscard]] virtual std::uint32_t given() const = 0;
    /// One of those. Throws Error(Machine) where it cannot be had.
    [[nodiscard]] virtual HeldLayer given_layer(std::uint32_t index, kv::Arena & arena) = 0;
};

/// Rows in memory, layer by layer as a prefill completes them.
class HeldRows final : public RowSource, public RowSink {
public:
    HeldRows(std::vector<Token> tokens, KvType type, std::uint32_t model_layers)
        : tokens_(std::move(tokens)), type_(type), model_layers_(model_layers) {}

    [[nodiscard]] std::span<const Token> tokens() const override { return tokens_; }
    [[nodiscard]] KvType type() const override { return type_; }
    [[nodiscard]] std::uint32_t layers() const override { return static_cast<std::uint32_t>(layers_.size()); }
    [[nodiscard]] HeldLayer layer(std::uint32_t index, kv::Arena & /*arena*/) const override { return layers_[index]; }
    [[nodiscard]] bool reads() const override { return false; }

    void add_layer(const HeldLayer & layer) override { layers_.push_back(layer); }
    [[nodiscard]] bool open() const override { return layers_.size() < model_layers_; }
    [[nodiscard]] std::uint32_t given() const override { return layers(); }
    [[nodiscard]] HeldLayer given_layer(std::uint32_t index, kv::Arena & arena) override { return layer(index, arena); }

private:
    std::vector<Token> tokens_;
    KvType type_;
    std::uint32_t model_layers_;
    std::vector<HeldLayer> layers_;
};

/// The first position of which a layer holds a row after `tokens` tokens: of one that slides, some more than its window
/// sees, so that a prefill may go on from an earlier token too.
[[nodiscard]] inline std::uint32_t first_held(const model::HyperParameters & params, std::uint32_t layer,
                                              std::uint32_t tokens) {
    constexpr std::uint32_t kSpare = 512;
    const std::uint32_t window = params.window_of(layer);
    return window == 0 || tokens <= window + kSpare ? 0
                                                    : (tokens - window - kSpare) / kv::kAnchorRows * kv::kAnchorRows;
}

}  // namespace snapkv::run

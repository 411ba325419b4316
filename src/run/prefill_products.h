#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "model/decoder.h"
#include "product/ggml_products.h"
#include "product/widened_products.h"
#include "run/compute.h"
#include "snapkv/session.h"

namespace snapkv::run {

/// The path that a prefill's products take, chosen once for all its chunks, of trunk and branches alike: the weights
/// as they are stored, or one layer's widened copy at a time. Not thread-safe.
class PrefillProducts {
public:
    /// From so many rows on a copy of a layer's weights pays for itself; measured.
    static constexpr std::uint32_t kLeastRows = 48;

    /// What the weights are copied to under `asked`; nothing: ggml's products on the weights as stored. Throws
    /// Error(Usage) where what is asked for cannot be.
    static std::optional<product::Element> choose(const model::HyperParameters & params, const model::Decoder & decoder,
                                                  ProductPath asked);

    PrefillProducts(const model::Decoder & decoder, Compute & compute, std::shared_ptr<Meter> work,
                    std::optional<product::Element> element);

    /// The most that getting the layers ready takes, one after the other: addresses only are asked for. Throws
    /// Error(Machine).
    [[nodiscard]] static std::uint64_t bytes(const model::Decoder & decoder, Compute & compute,
                                             std::optional<product::Element> element);

    [[nodiscard]] product::Products & products();
    /// On the weights as they are stored: for matrices that are no layer's.
    [[nodiscard]] product::Products & stored() { return stored_; }
    /// Makes room for the layer's weights without converting them.
    void reserve_layer(std::uint32_t layer);
    /// The same for all layers: the largest stays.
    void reserve_layers();
    /// Bytes that begin_layer() takes for a moment, at most for the layers so far.
    [[nodiscard]] std::size_t widening_bytes() const { return widened_ ? widened_->widening_bytes() : 0; }
    /// Gets the layer's weights ready. Throws Interrupted.
    void begin_layer(std::uint32_t layer);
    void begin_graph();

    /// In words, for the log.
    [[nodiscard]] static std::string describe(std::optional<product::Element> element);

private:
    const model::Decoder & decoder_;
    Compute & compute_;
    product::GgmlProducts stored_;
    std::unique_ptr<product::WidenedProducts> widened_;  ///< null: the stored path
};

}  // namespace snapkv::run

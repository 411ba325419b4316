#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kv/layer_rows.h"

namespace snapkv::kv {

/// A frozen part of a sequence's cache: for each layer its rows. Shared by the sequences that hold it, never changed
/// once it is finished. During a prefill layers are added one by one.
class Segment {
public:
    void add_layer(std::shared_ptr<const LayerRows> rows) { layers_.push_back(std::move(rows)); }

    [[nodiscard]] std::uint32_t layers() const { return static_cast<std::uint32_t>(layers_.size()); }
    [[nodiscard]] const LayerRows & layer(std::uint32_t index) const { return *layers_[index]; }
    [[nodiscard]] const std::shared_ptr<const LayerRows> & shared_layer(std::uint32_t index) const {
        return layers_[index];
    }
    /// Over all layers and heads.
    [[nodiscard]] std::uint64_t total_rows() const {
        std::uint64_t total = 0;
        for (const auto & layer : layers_) {
            total += layer->total_rows();
        }
        return total;
    }

private:
    std::vector<std::shared_ptr<const LayerRows>> layers_;
};

}  // namespace snapkv::kv

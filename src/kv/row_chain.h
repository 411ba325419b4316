#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kv/anchor.h"
#include "kv/arena.h"
#include "kv/layer_rows.h"
#include "kv/shape.h"
#include "snapkv/position.h"

namespace snapkv::kv {

/// The dense rows of one layer for a stretch of text, in parts that follow one another: a document's, then what comes
/// after it. Several chains share the parts they have in common. Copies share all of them. Rows are written to the last
/// part only. In an arena of sizes nothing is copied. Not thread-safe while it is written.
class RowChain {
public:
    RowChain() = default;
    /// No rows yet, and room for those at positions from `first`, a multiple of kAnchorRows, up to `end`.
    RowChain(Arena & arena, const LayerShape & shape, Position first, Position end);

    /// A chain with the rows of this one before position `from` and room for those up to `end` in a part of its own.
    /// What lies before the last multiple of kAnchorRows is shared, the few rows behind it are copied.
    [[nodiscard]] RowChain continued(Arena & arena, Position from, Position end) const;

    /// The rows at positions [first, end) as they are now: the same ones from position 0, else a copy, so that what is
    /// left out can go.
    [[nodiscard]] RowChain between(Arena & arena, Position first, Position end) const;

    [[nodiscard]] const std::vector<std::shared_ptr<LayerRows>> & parts() const { return parts_; }
    [[nodiscard]] const LayerShape & shape() const { return parts_.back()->shape(); }
    /// The part that is written.
    [[nodiscard]] LayerRows & last() { return *parts_.back(); }
    /// One past the last position that has a row.
    [[nodiscard]] Position end() const { return parts_.back()->first() + parts_.back()->rows(); }

    /// The views of each head's rows, [KV head][part].
    [[nodiscard]] std::vector<std::vector<HeadRows>> views() const;

private:
    std::vector<std::shared_ptr<LayerRows>> parts_;  ///< those before the last are not written any more
};

}  // namespace snapkv::kv

#pragma once

#include <cassert>
#include <cstdint>
#include <span>
#include <utility>

#include "kv/head_rows.h"

namespace snapkv::kv {

/// Walks the views of one head in position order.
class Cursor {
public:
    explicit Cursor(std::span<const HeadRows> views) : views_(views) {}

    /// The row at `position`; positions must ascend from call to call.
    std::pair<const HeadRows *, std::uint32_t> find(Position position) {
        while (true) {
            assert(view_ < views_.size());
            const HeadRows & view = views_[view_];
            if (view.positions == nullptr) {
                const std::uint32_t offset = index_of(position) - index_of(view.first);
                if (position >= view.first && offset < view.rows) {
                    return {&view, offset};
                }
            } else {
                while (row_ < view.rows && view.positions[row_] < position) {
                    ++row_;
                }
                if (row_ < view.rows && view.positions[row_] == position) {
                    return {&view, row_};
                }
            }
            ++view_;
            row_ = 0;
        }
    }

private:
    std::span<const HeadRows> views_;
    std::size_t view_ = 0;
    std::uint32_t row_ = 0;
};

/// Calls body(index among the kept, view, row of the view) for the rows at the ascending positions `kept`, which the
/// views together hold, in ascending order too.
template <typename Body>
void for_kept_rows(std::span<const HeadRows> views, std::span<const Position> kept, const Body & body) {
    Cursor cursor(views);
    for (std::uint32_t index = 0; index < kept.size(); ++index) {
        const auto [view, row] = cursor.find(kept[index]);
        body(index, *view, row);
    }
}

}  // namespace snapkv::kv

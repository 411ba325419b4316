#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "snapkv/error.h"

namespace snapkv::eval {

/// Makes make(first, last) of [first, last) and hands it to use(first, made). Where the machine has no room for all of
/// it at once (make throws Error(Machine)) it does so with one half and then the other, and so on down to single ones,
/// whose error is passed on, as are all other errors and all of use's. False as soon as use returns false.
template <typename Make, typename Use>
bool in_pieces(std::size_t first, std::size_t last, const Make & make, const Use & use) {
    std::vector<std::pair<std::size_t, std::size_t>> left{{first, last}};  // the next at the end
    while (!left.empty()) {
        const auto [begin, end] = left.back();
        left.pop_back();
        std::optional<decltype(make(begin, end))> made;
        try {
            made.emplace(make(begin, end));
        } catch (const Error & error) {
            if (error.kind() != ErrorKind::Machine || end - begin < 2) {
                throw;
            }
            const std::size_t middle = begin + (end - begin) / 2;
            left.insert(left.end(), {{middle, end}, {begin, middle}});
        }
        if (made && !use(begin, std::move(*made))) {
            return false;
        }
    }
    return true;
}

}  // namespace snapkv::eval

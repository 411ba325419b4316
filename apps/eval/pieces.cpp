#include "eval/pieces.h"

#include "snapkv/error.h"

namespace snapkv::eval {

bool in_pieces(std::size_t first, std::size_t last, const std::function<bool(std::size_t, std::size_t)> & work) {
    try {
        return work(first, last);
    } catch (const Error & error) {
        if (error.kind() != ErrorKind::Machine || last - first < 2) {
            throw;
        }
    }
    const std::size_t middle = first + (last - first) / 2;
    return in_pieces(first, middle, work) && in_pieces(middle, last, work);
}

}  // namespace snapkv::eval

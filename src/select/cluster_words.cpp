#include <algorithm>
#include <cassert>
#include <cstddef>

#include "select/cluster.h"
#include "select/larger.h"

namespace snapkv::select {

void keep_words(std::span<const Mark> marks, std::span<float> scores) {
    assert(marks.size() == scores.size());
    for (std::size_t begin = 0; begin < scores.size();) {
        std::size_t end = begin + 1;
        float most = larger(kLowest, scores[begin]);
        for (; end < scores.size() && !marks[end].begins_word && end - begin < kLongestWord; ++end) {
            most = larger(most, scores[end]);
        }
        std::fill(scores.begin() + static_cast<std::ptrdiff_t>(begin),
                  scores.begin() + static_cast<std::ptrdiff_t>(end), most);
        begin = end;
    }
}

}  // namespace snapkv::select

#include "eval/edit_similarity.h"

#include <cmath>
#include <cstddef>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "eval/first_line.h"
#include "eval/utf8_text.h"

namespace snapkv::eval {
namespace {

/// Parts of both texts between which blocks are still to be found.
struct Pair {
    std::size_t left_begin;
    std::size_t left_end;
    std::size_t right_begin;
    std::size_t right_end;
};

struct Block {
    std::size_t left = 0;
    std::size_t right = 0;
    std::size_t size = 0;
};

class Matcher {
public:
    Matcher(std::u32string_view left, std::u32string_view right)
        : left_(left), right_(right), run_(right.size() + 1), next_(right.size() + 1) {
        for (std::size_t i = 0; i < right.size(); ++i) {
            places_[right[i]].push_back(i);
        }
        if (right.size() >= 200) {
            const std::size_t popular = right.size() / 100 + 1;
            std::erase_if(places_, [&](const auto & entry) { return entry.second.size() > popular; });
        }
    }

    /// Characters in all matching blocks.
    std::size_t matches() {
        std::size_t total = 0;
        std::vector<Pair> pairs{{0, left_.size(), 0, right_.size()}};
        while (!pairs.empty()) {
            const Pair pair = pairs.back();
            pairs.pop_back();
            const Block block = extended(longest(pair), pair);
            if (block.size > 0) {
                total += block.size;
                pairs.push_back({pair.left_begin, block.left, pair.right_begin, block.right});
                pairs.push_back({block.left + block.size, pair.left_end, block.right + block.size, pair.right_end});
            }
        }
        return total;
    }

private:
    /// The longest block of characters that may begin one; of several the first in the left text, then in the right.
    Block longest(const Pair & pair) {
        Block best{.left = pair.left_begin, .right = pair.right_begin};
        std::vector<std::size_t> touched;
        for (std::size_t i = pair.left_begin; i < pair.left_end; ++i) {
            std::vector<std::size_t> touching;
            const auto found = places_.find(left_[i]);
            for (const std::size_t j : found == places_.end() ? none_ : found->second) {
                if (j < pair.right_begin || j >= pair.right_end) {
                    continue;
                }
                const std::size_t size = run_[j] + 1;  // run_[j]: the block that ends before j, in the row above
                next_[j + 1] = size;
                touching.push_back(j + 1);
                if (size > best.size) {
                    best = {.left = i + 1 - size, .right = j + 1 - size, .size = size};
                }
            }
            clear(run_, touched);
            std::swap(run_, next_);
            touched = std::move(touching);
        }
        clear(run_, touched);
        return best;
    }

    /// The block grown on both sides by equal characters of any kind.
    Block extended(Block block, const Pair & pair) const {
        while (block.left > pair.left_begin && block.right > pair.right_begin &&
               left_[block.left - 1] == right_[block.right - 1]) {
            --block.left;
            --block.right;
            ++block.size;
        }
        while (block.left + block.size < pair.left_end && block.right + block.size < pair.right_end &&
               left_[block.left + block.size] == right_[block.right + block.size]) {
            ++block.size;
        }
        return block;
    }

    static void clear(std::vector<std::size_t> & row, const std::vector<std::size_t> & touched) {
        for (const std::size_t index : touched) {
            row[index] = 0;
        }
    }

    std::u32string_view left_;
    std::u32string_view right_;
    std::unordered_map<char32_t, std::vector<std::size_t>> places_;  ///< in the right text, ascending
    std::vector<std::size_t> none_;
    std::vector<std::size_t> run_;
    std::vector<std::size_t> next_;
};

bool is_code(std::string_view line) {
    return line.find_first_of("`#") == std::string_view::npos && line.find("//") == std::string_view::npos;
}

std::string_view first_code_line(std::string_view prediction) {
    prediction = without_leading_newlines(prediction);
    while (true) {
        const std::size_t end = prediction.find('\n');
        const std::string_view line = prediction.substr(0, end);
        if (is_code(line)) {
            return line;
        }
        if (end == std::string_view::npos) {
            return {};
        }
        prediction.remove_prefix(end + 1);
    }
}

}  // namespace

double sequence_ratio(std::u32string_view left, std::u32string_view right) {
    const std::size_t total = left.size() + right.size();
    if (total == 0) {
        return 1;
    }
    return 2.0 * static_cast<double>(Matcher(left, right).matches()) / static_cast<double>(total);
}

double code_similarity(std::string_view prediction, std::string_view reference) {
    const std::string_view line = first_code_line(prediction);
    if (line == reference) {
        return 1;
    }
    if (line.empty() || reference.empty()) {
        return 0;
    }
    return std::nearbyint(100 * sequence_ratio(code_points(line), code_points(reference))) / 100;
}

}  // namespace snapkv::eval

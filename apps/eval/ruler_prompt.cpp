#include "eval/ruler_prompt.h"

#include <algorithm>

namespace snapkv::eval {

std::string mixed_lines(std::size_t units, std::span<const std::string> lines, Random & random,
                        const std::function<std::string()> & filler) {
    const std::size_t total = units + lines.size();
    DistinctNumbers choice(total);
    std::vector<std::size_t> places;
    while (places.size() < lines.size()) {
        places.push_back(choice.draw(random));
    }
    std::sort(places.begin(), places.end());
    std::string text;
    std::size_t next = 0;
    for (std::size_t i = 0; i < total; ++i) {
        text += i == 0 ? "" : "\n";
        if (next < places.size() && places[next] == i) {
            text += lines[next++];
        } else {
            text += filler();
        }
    }
    return text;
}

}  // namespace snapkv::eval

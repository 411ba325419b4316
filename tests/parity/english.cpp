#include "parity/english.h"

#include <algorithm>
#include <fstream>
#include <random>
#include <stdexcept>
#include <vector>

namespace snapkv::test {

namespace {

std::vector<std::string> paragraphs() {
    std::ifstream file(SNAPKV_TEST_DATA "/essays.txt");
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) {
        if (!line.empty()) {
            all.push_back(line);
        }
    }
    if (all.empty()) {
        throw std::runtime_error("tests/data/essays.txt is missing or empty");
    }
    return all;
}

}  // namespace

std::string english(std::size_t bytes) {
    std::vector<std::string> all = paragraphs();
    std::mt19937 random(7);
    std::string text;
    while (true) {
        for (const std::string & paragraph : all) {
            if (text.size() >= bytes) {
                return text;
            }
            text += paragraph + "\n\n";
        }
        // Own exchange: std::shuffle gives another order with another library.
        for (std::size_t last = all.size() - 1; last > 0; --last) {
            std::swap(all[last], all[random() % (last + 1)]);
        }
    }
}

}  // namespace snapkv::test

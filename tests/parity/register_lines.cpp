#include "parity/register_lines.h"

#include <cctype>
#include <random>
#include <set>
#include <stdexcept>

#include "parity/english.h"

namespace snapkv::test {

namespace {

constexpr std::size_t kProseBytes = 20'000;
constexpr std::size_t kLeastLetters = 4;
constexpr std::uint32_t kGreatestNumber = 50'000;

/// The different words of the test prose, in alphabetical order.
std::vector<std::string> words() {
    std::set<std::string> found;
    std::string word;
    for (const char letter : english(kProseBytes)) {
        if (std::islower(static_cast<unsigned char>(letter)) != 0) {
            word += letter;
        } else {
            if (word.size() >= kLeastLetters) {
                found.insert(word);
            }
            word.clear();
        }
    }
    return {found.begin(), found.end()};
}

}  // namespace

RegisterLines::RegisterLines(std::size_t count, std::uint32_t seed) {
    const std::vector<std::string> list = words();
    if (list.size() * list.size() < 4 * count) {
        throw std::runtime_error("too few words for so many lines");
    }
    std::mt19937 random(seed);
    std::set<std::string> keys;
    while (lines_.size() < count) {
        const std::string key = list[random() % list.size()] + "-" + list[random() % list.size()];
        const std::string number = std::to_string(1 + random() % kGreatestNumber);
        if (keys.insert(key).second) {
            lines_.push_back({key, number});
        }
    }
}

std::string RegisterLines::beginning(const Line & line) {
    return "line " + line.key + ": REGISTER_CONTENT is <";
}

std::string RegisterLines::document() const {
    std::string text =
        "Below is a record of lines I want you to remember. At the end of the record, I will ask you to "
        "retrieve the <REGISTER_CONTENT> of a certain line. Now the record starts:\n\n";
    for (const Line & line : lines_) {
        text += beginning(line) + line.number + ">\n";
    }
    return text;
}

std::string RegisterLines::question(std::size_t line) const {
    return "\nNow the record is over. Tell me what is the <REGISTER_CONTENT> in line " + lines_[line].key +
           "? I need the number. " + beginning(lines_[line]);
}

}  // namespace snapkv::test

#include "eval/made_needles.h"

#include <array>
#include <string_view>

#include "eval/fail.h"

namespace snapkv::eval {
namespace {

using namespace std::string_view_literals;

/// What is said of a city: text, answer and question come out of the pieces around both.
struct Saying {
    std::string_view before_city;
    std::string_view before_thing;
    std::string_view after_thing;
    std::string_view asks;
    std::string_view asks_on;
};

constexpr std::array sayings{Saying{"Visitors to ", " are told to take home a ", " from the night market.",
                                    "What are visitors to ", " told to take home from the night market?"},
                             Saying{"The oldest inn of ", " is known for the ", " that hangs above its door.",
                                    "What hangs above the door of the oldest inn of ", "?"},
                             Saying{"Every winter the best baker of ", " is given a ", " by the mayor.",
                                    "What does the mayor give every winter to the best baker of ", "?"}};

constexpr std::array cities{
    "Accra"sv,  "Amman"sv,     "Antwerp"sv,  "Bergen"sv,    "Bogota"sv,   "Bristol"sv, "Cairo"sv,   "Calcutta"sv,
    "Dakar"sv,  "Dublin"sv,    "Florence"sv, "Gdansk"sv,    "Geneva"sv,   "Hanoi"sv,   "Havana"sv,  "Helsinki"sv,
    "Izmir"sv,  "Jakarta"sv,   "Kyoto"sv,    "Lagos"sv,     "Lima"sv,     "Lisbon"sv,  "Lyon"sv,    "Madrid"sv,
    "Manila"sv, "Marrakesh"sv, "Montreal"sv, "Nairobi"sv,   "Naples"sv,   "Odessa"sv,  "Oslo"sv,    "Porto"sv,
    "Prague"sv, "Quebec"sv,    "Quito"sv,    "Rotterdam"sv, "Santiago"sv, "Seville"sv, "Tallinn"sv, "Zagreb"sv};

// All begin with a consonant: "a" goes before each.
constexpr std::array materials{"bamboo"sv, "brass"sv,  "bronze"sv,  "cedar"sv, "clay"sv,   "copper"sv, "crystal"sv,
                               "glass"sv,  "golden"sv, "leather"sv, "linen"sv, "marble"sv, "paper"sv,  "pewter"sv,
                               "silk"sv,   "silver"sv, "stone"sv,   "tin"sv,   "velvet"sv, "wooden"sv};

constexpr std::array things{"basket"sv,  "bell"sv,   "bowl"sv,    "box"sv,    "candle"sv,  "clock"sv, "comb"sv,
                            "compass"sv, "crown"sv,  "cup"sv,     "drum"sv,   "fan"sv,     "fish"sv,  "flute"sv,
                            "frame"sv,   "glove"sv,  "goblet"sv,  "hammer"sv, "harp"sv,    "horn"sv,  "horse"sv,
                            "jar"sv,     "kettle"sv, "key"sv,     "ladle"sv,  "lantern"sv, "mask"sv,  "medal"sv,
                            "mirror"sv,  "owl"sv,    "pitcher"sv, "plate"sv,  "saddle"sv,  "spoon"sv, "statue"sv,
                            "thimble"sv, "tray"sv,   "vase"sv,    "violin"sv, "whistle"sv};

Needle make(const Saying & saying, std::string_view city, std::size_t object) {
    Needle needle;
    needle.answer = fmt::format("{} {}", materials[object / things.size()], things[object % things.size()]);
    needle.text =
        fmt::format("{}{}{}{}{}", saying.before_city, city, saying.before_thing, needle.answer, saying.after_thing);
    needle.question = fmt::format("{}{}{}", saying.asks, city, saying.asks_on);
    return needle;
}

}  // namespace

std::vector<Needle> made_needles(std::size_t count, Random random) {
    constexpr std::size_t most = sayings.size() * cities.size();
    if (count > most) {
        usage_error("needle: found {} depths, expected at most {} for needles in one document", count, most);
    }
    struct Subject {
        std::string_view city;
        std::size_t saying;  ///< the first that the city is in
    };
    std::vector<Subject> subjects;
    for (const std::string_view city : cities) {
        subjects.push_back({city, random.below(sayings.size())});
    }
    random.shuffle(subjects);
    DistinctNumbers objects(materials.size() * things.size());
    std::vector<Needle> needles;
    for (std::size_t i = 0; i < count; ++i) {
        const Subject & subject = subjects[i % subjects.size()];
        const Saying & saying = sayings[(subject.saying + i / subjects.size()) % sayings.size()];
        needles.push_back(make(saying, subject.city, objects.draw(random)));
    }
    return needles;
}

}  // namespace snapkv::eval

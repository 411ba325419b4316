#include "eval/made_needles.h"

#include <array>
#include <numeric>
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

// No two begin or go on alike: a document holds the needles of all depths, and each should be as alone in it as the one
// needle of the original test.
constexpr std::array sayings{
    Saying{"Visitors to ", " are told to take home a ", " from the night market.", "What are visitors to ",
           " told to take home from the night market?"},
    Saying{"The oldest inn of ", " is known for the ", " that hangs above its door.",
           "What hangs above the door of the oldest inn of ", "?"},
    Saying{"Every winter the best baker of ", " is given a ", " by the mayor.",
           "What does the mayor give every winter to the best baker of ", "?"},
    Saying{"Under the railway station in ", " workers dug up a ", ", which nobody has claimed.",
           "What did workers dig up under the railway station in ", "?"},
    Saying{"Children who grow up in ", " learn to carve their first ", " at the age of seven.",
           "What do children who grow up in ", " learn to carve first?"},
    Saying{"On the stamp that honours ", " one sees nothing but a ", " on a blue ground.",
           "What does one see on the stamp that honours ", "?"},
    Saying{"After the great flood, the museum at ", " could save only one ", " of its collection.",
           "What could the museum at ", " save after the great flood?"},
    Saying{"My aunt moved away from ", " with no luggage except a ", " wrapped in newspaper.",
           "What luggage did my aunt have when she moved away from ", "?"},
    Saying{"Sailors bound for ", " used to nail a ", " to the mast against storms.", "What did sailors bound for ",
           " nail to the mast against storms?"},
    Saying{"It is said that whoever finds the ", " king's grave will find his ", " beside him.",
           "What will lie beside the ", " king in his grave?"},
    Saying{"In the second act of the opera about ", " the heroine hides behind a ", " and sings.",
           "What does the heroine of the opera about ", " hide behind in the second act?"},
    Saying{"A court in ", " once spent eleven years over the ownership of a ", " without a verdict.",
           "Over the ownership of what did a court in ", " spend eleven years?"}};

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
    std::vector<std::size_t> city_order(cities.size());
    std::vector<std::size_t> saying_order(sayings.size());
    std::iota(city_order.begin(), city_order.end(), 0U);
    std::iota(saying_order.begin(), saying_order.end(), 0U);
    random.shuffle(city_order);
    random.shuffle(saying_order);
    DistinctNumbers objects(materials.size() * things.size());
    std::vector<Needle> needles;
    for (std::size_t i = 0; i < count; ++i) {
        // As many needles as there are sayings are all different ones; then each round says other things of a city.
        const std::size_t saying = (i + i / cities.size()) % sayings.size();
        needles.push_back(
            make(sayings[saying_order[saying]], cities[city_order[i % cities.size()]], objects.draw(random)));
    }
    return needles;
}

}  // namespace snapkv::eval

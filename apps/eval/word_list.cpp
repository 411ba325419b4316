#include "eval/word_list.h"

#include <array>
#include <cassert>
#include <string>

namespace snapkv::eval {
namespace {

constexpr std::array<std::string_view, 300> adjectives{
    "absent",    "active",   "actual",    "alert",     "alive",    "ancient",  "annual",     "anxious",    "average",
    "awake",     "awful",    "bare",      "basic",     "bitter",   "bold",     "boring",     "brief",      "bright",
    "brilliant", "broken",   "bronze",    "busy",      "calm",     "capable",  "careless",   "casual",     "central",
    "cheap",     "cheerful", "civil",     "classic",   "clean",    "clever",   "cloudy",     "coastal",    "cold",
    "colourful", "complete", "complex",   "constant",  "correct",  "cosy",     "crazy",      "creamy",     "crisp",
    "cruel",     "curious",  "current",   "daily",     "damp",     "daring",   "dark",       "dear",       "deep",
    "delicate",  "dense",    "desperate", "different", "direct",   "dirty",    "double",     "doubtful",   "dramatic",
    "dusty",     "eager",    "eastern",   "elegant",   "empty",    "enormous", "entire",     "equal",      "exact",
    "excellent", "exotic",   "explicit",  "express",   "faint",    "fair",     "faithful",   "familiar",   "famous",
    "fast",      "fatal",    "favourite", "federal",   "feeble",   "fierce",   "fine",       "firm",       "flat",
    "flexible",  "foggy",    "foolish",   "foreign",   "fragile",  "frank",    "free",       "fresh",      "friendly",
    "frosty",    "full",     "funny",     "fuzzy",     "general",  "generous", "genuine",    "giant",      "global",
    "gloomy",    "glorious", "gradual",   "grand",     "grateful", "greedy",   "green",      "grumpy",     "guilty",
    "handsome",  "happy",    "harmless",  "healthy",   "hearty",   "heavy",    "hidden",     "high",       "hollow",
    "honest",    "horrible", "humble",    "hungry",    "ideal",    "immense",  "important",  "impossible", "instant",
    "intense",   "jealous",  "jolly",     "joyful",    "keen",     "kind",     "lazy",       "legal",      "level",
    "likely",    "liquid",   "little",    "local",     "lonely",   "loose",    "lovely",     "loyal",      "mad",
    "main",      "mature",   "mean",      "medical",   "mellow",   "mere",     "merry",      "mild",       "minor",
    "mobile",    "modern",   "modest",    "moral",     "muddy",    "mute",     "mysterious", "narrow",     "natural",
    "naughty",   "neat",     "neutral",   "nimble",    "noisy",    "normal",   "northern",   "notable",    "novel",
    "odd",       "official", "open",      "orange",    "ordinary", "outer",    "pale",       "parallel",   "patient",
    "peaceful",  "perfect",  "petite",    "plain",     "pleasant", "poor",     "popular",    "precious",   "precise",
    "pretty",    "private",  "proper",    "public",    "pure",     "purple",   "quiet",      "radical",    "rainy",
    "rapid",     "rare",     "recent",    "regular",   "relaxed",  "remote",   "rich",       "ripe",       "rough",
    "round",     "rude",     "rural",     "rusty",     "safe",     "salty",    "scarce",     "scary",      "secure",
    "sensible",  "separate", "severe",    "shallow",   "sharp",    "short",    "shy",        "silent",     "similar",
    "simple",    "single",   "sleepy",    "slender",   "slow",     "sly",      "smart",      "smooth",     "snowy",
    "soft",      "solar",    "solid",     "southern",  "spare",    "spicy",    "splendid",   "square",     "steady",
    "steep",     "sticky",   "still",     "strange",   "strong",   "stubborn", "sudden",     "superb",     "sweet",
    "tall",      "tame",     "tender",    "thin",      "thirsty",  "tidy",     "tiny",       "tired",      "tough",
    "tragic",    "tranquil", "true",      "typical",   "unique",   "unusual",  "upper",      "urgent",     "useful",
    "vague",     "valuable", "vast",      "vivid",     "warm",     "wary",     "wealthy",    "weary",      "weird",
    "western",   "wet",      "whole",     "wide",      "wild",     "windy",    "wise",       "wonderful",  "wooden",
    "worthy",    "yellow",   "young"};

constexpr std::array<std::string_view, 300> nouns{
    "account",  "acorn",    "adult",    "airport",  "album",   "anchor",  "animal",   "ankle",    "apron",   "arena",
    "armchair", "artist",   "aunt",     "author",   "award",   "bacon",   "badge",    "balcony",  "banana",  "band",
    "banner",   "barrel",   "basin",    "battery",  "beard",   "bell",    "bench",    "bicycle",  "biscuit", "blanket",
    "boat",     "bone",     "boot",     "bottle",   "bowl",    "branch",  "breeze",   "bridge",   "broom",   "brush",
    "bucket",   "budget",   "bullet",   "button",   "cabinet", "cactus",  "calendar", "camel",    "camp",    "candle",
    "canoe",    "canvas",   "carpet",   "castle",   "cattle",  "ceiling", "chain",    "chalk",    "chapter", "cherry",
    "chest",    "chimney",  "cinema",   "circle",   "cliff",   "clinic",  "clock",    "clover",   "coffee",  "coin",
    "college",  "company",  "compass",  "copper",   "corner",  "couch",   "country",  "cow",      "crane",   "crayon",
    "crew",     "crop",     "crowd",    "crystal",  "curtain", "curve",   "custom",   "daisy",    "dance",   "dawn",
    "desert",   "desk",     "dinner",   "doctor",   "dog",     "donkey",  "dragon",   "drawer",   "driver",  "duck",
    "earth",    "echo",     "egg",      "elephant", "empire",  "entry",   "evening",  "event",    "fabric",  "factory",
    "falcon",   "farmer",   "fence",    "ferry",    "field",   "fire",    "fish",     "flame",    "floor",   "flower",
    "forest",   "fortune",  "fountain", "frame",    "fruit",   "future",  "galaxy",   "garden",   "gate",    "ghost",
    "glass",    "goat",     "goose",    "grape",    "guest",   "guide",   "hammer",   "harvest",  "hawk",    "helmet",
    "holiday",  "honey",    "horizon",  "hospital", "hotel",   "hunter",  "insect",   "iron",     "ivory",   "jacket",
    "jelly",    "jewel",    "journey",  "juice",    "jungle",  "kettle",  "kitchen",  "kite",     "knee",    "knight",
    "lake",     "language", "laundry",  "lawn",     "leaf",    "lecture", "legend",   "letter",   "lily",    "lion",
    "lobster",  "machine",  "magazine", "maple",    "marsh",   "meadow",  "medal",    "melon",    "message", "metal",
    "minute",   "mixture",  "moment",   "month",    "morning", "mother",  "mouse",    "mushroom", "napkin",  "nature",
    "needle",   "nephew",   "nickel",   "nurse",    "oak",     "ocean",   "olive",    "onion",    "orchard", "otter",
    "oyster",   "package",  "page",     "palace",   "panda",   "parade",  "parent",   "park",     "party",   "path",
    "peach",    "pearl",    "pencil",   "pepper",   "piano",   "picture", "pigeon",   "pilot",    "pirate",  "planet",
    "pocket",   "police",   "pond",     "porch",    "potato",  "prince",  "prison",   "pumpkin",  "puzzle",  "quarry",
    "rabbit",   "railway",  "ribbon",   "robin",    "roof",    "root",    "ruby",     "sailor",   "salad",   "sandal",
    "school",   "science",  "season",   "shadow",   "sheep",   "shell",   "shirt",    "shoe",     "shore",   "signal",
    "skirt",    "sky",      "snail",    "soldier",  "song",    "spider",  "spring",   "squirrel", "stage",   "star",
    "station",  "steam",    "storm",    "stove",    "student", "summer",  "sunset",   "sword",    "teacher", "temple",
    "theatre",  "thunder",  "ticket",   "timber",   "tomato",  "tooth",   "torch",    "town",     "train",   "trumpet",
    "turtle",   "uncle",    "uniform",  "vase",     "village", "vine",    "visitor",  "volcano",  "wagon",   "walnut",
    "wave",     "weather",  "wheat",    "whistle",  "window",  "winter",  "woman",    "wool",     "wrist",   "yoghurt"};

}  // namespace

std::size_t word_count() {
    return adjectives.size() + nouns.size();
}

std::string_view word(std::size_t number) {
    assert(number < word_count());
    return number < adjectives.size() ? adjectives[number] : nouns[number - adjectives.size()];
}

std::size_t word_pair_count() {
    return adjectives.size() * nouns.size();
}

std::string word_pair(std::size_t number) {
    assert(number < word_pair_count());
    return std::string(adjectives[number / nouns.size()]) + "-" + std::string(nouns[number % nouns.size()]);
}

}  // namespace snapkv::eval

#include "clusters.h"

#include <algorithm>
#include <string>

#include "fail.h"
#include "lists.h"
#include "numbers.h"

namespace snapkv::cli {
namespace {

[[noreturn]] void refuse(std::string_view option, std::string_view text) {
    usage_error(
        "{}: found \"{}\", expected kernel:BACK,AHEAD, avg:BACK,AHEAD, reach:BACK,AHEAD, chunk:ROWS, none or auto, "
        "then +words to keep words whole, and after reach +stops to stop at line ends",
        option, text);
}

/// What lies before the first `separator`, which is taken off `text` with it.
std::string_view take(std::string_view & text, char separator) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

}  // namespace

std::optional<Cluster> read_cluster(std::string_view option, std::string_view text) {
    if (text == "auto") {
        return std::nullopt;
    }
    constexpr std::uint32_t kMost = 1U << 20U;
    std::string_view extras = text;
    std::string_view sides = take(extras, '+');
    const std::string_view rule = take(sides, ':');
    Cluster cluster;
    if (rule == "none" && sides.empty()) {
        cluster = Cluster::kernel(1, Pooling::None);
    } else if (rule == "chunk" && !sides.empty()) {
        cluster = Cluster::chunk(static_cast<std::uint32_t>(read_integer(option, sides, 1, kMost)));
    } else if (rule == "kernel" || rule == "avg" || rule == "reach") {
        if (std::count(sides.begin(), sides.end(), ',') != 1) {
            refuse(option, text);
        }
        cluster.back = static_cast<std::uint32_t>(read_integer(option, take(sides, ','), 0, kMost));
        cluster.ahead = static_cast<std::uint32_t>(read_integer(option, sides, 0, kMost));
        cluster.rule = rule == "reach" ? Cluster::Rule::Reach : Cluster::Rule::Kernel;
        cluster.pooling = rule == "avg" ? Pooling::Avg : Pooling::Max;
    } else {
        refuse(option, text);
    }
    if (text.ends_with('+')) {
        refuse(option, text);
    }
    while (!extras.empty()) {
        const std::string_view extra = take(extras, '+');
        if (extra == "words") {
            cluster.words = true;
        } else if (extra == "stops" && cluster.rule == Cluster::Rule::Reach) {
            cluster.stops = true;
        } else {
            refuse(option, text);
        }
    }
    return cluster;
}

std::vector<std::optional<Cluster>> read_clusters(Name option, const Value & list) {
    std::vector<std::string> texts;
    for (const std::string & part : read_list(option, list, [](Name, const Value & text) { return text; })) {
        const bool goes_on = part.front() >= '0' && part.front() <= '9';
        if (goes_on && !texts.empty()) {
            texts.back() += "," + part;
        } else {
            texts.push_back(part);
        }
    }
    std::vector<std::optional<Cluster>> clusters;
    for (const std::string & text : texts) {
        clusters.push_back(read_cluster(option, text));
    }
    return clusters;
}

}  // namespace snapkv::cli

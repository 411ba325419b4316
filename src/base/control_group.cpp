#include "base/control_group.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

namespace snapkv {

namespace {

namespace fs = std::filesystem;

bool lists(const std::string & comma_separated, const std::string & name) {
    return ("," + comma_separated + ",").find("," + name + ",") != std::string::npos;
}

/// A place where a hierarchy of groups is mounted.
struct Mount {
    std::string type;         ///< cgroup2, or cgroup: version 1
    std::string controllers;  ///< of version 1, among other options
    std::string group;        ///< the group that one sees at `path`
    fs::path path;
};

/// Spaces and the like stand in mountinfo as a backslash and three octal digits.
std::string unescaped(const std::string & text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        unsigned character = 0;
        const char * const digits = text.data() + i + 1;
        if (text[i] == '\\' && i + 3 < text.size() &&
            std::from_chars(digits, digits + 3, character, 8).ptr == digits + 3) {
            plain += static_cast<char>(character);
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

/// proc(5): number, parent, device, root, mount point, options, optional fields, "-", type, source, super options.
std::vector<Mount> mounts(const fs::path & root) {
    std::vector<Mount> all;
    std::ifstream file(root / "proc/self/mountinfo");
    for (std::string line; std::getline(file, line);) {
        std::istringstream fields(line);
        std::string skipped;
        std::string group;
        std::string point;
        fields >> skipped >> skipped >> skipped >> group >> point;
        while (fields >> skipped && skipped != "-") {
        }
        Mount mount;
        if (fields >> mount.type >> skipped >> mount.controllers && mount.type.starts_with("cgroup")) {
            mount.group = unescaped(group);
            mount.path = root / fs::path(unescaped(point)).relative_path();
            all.push_back(std::move(mount));
        }
    }
    return all;
}

bool contains(const Mount & mount, const std::string & group) {
    const std::string above = mount.group == "/" ? "" : mount.group;
    return (group == above || group.starts_with(above + "/")) && group.find("/..") == std::string::npos;
}

/// Where the group's files are. A group outside of what is mounted (the process was moved, or sees only its own
/// namespace) leaves the mounted one.
fs::path folder_of(const Mount & mount, const std::string & group) {
    const std::string above = mount.group == "/" ? "" : mount.group;
    return contains(mount, group) ? mount.path / fs::path(group.substr(above.size())).relative_path() : mount.path;
}

/// Nothing where there is no such file or it holds no number, such as "max".
template <typename Number>
std::optional<Number> number_in(const fs::path & path) {
    std::ifstream file(path);
    Number value{};
    return file >> value ? std::optional(value) : std::nullopt;
}

std::uint64_t file_pages(const fs::path & statistics, const std::string & prefix) {
    std::ifstream file(statistics);
    std::string key;
    std::uint64_t value = 0;
    std::uint64_t bytes = 0;
    while (file >> key >> value) {
        bytes += key == prefix + "active_file" || key == prefix + "inactive_file" ? value : 0;
    }
    return bytes;
}

template <typename Number>
void tighten(std::optional<Number> & limit, Number other) {
    limit = std::min(limit.value_or(other), other);
}

void apply_processors(const fs::path & folder, bool second_version, GroupLimits & limits) {
    double quota = 0;
    double period = 0;
    if (second_version) {
        std::ifstream file(folder / "cpu.max");
        file >> quota >> period;  // "max 100000": no number
    } else {
        quota = number_in<double>(folder / "cpu.cfs_quota_us").value_or(0);  // -1: none
        period = number_in<double>(folder / "cpu.cfs_period_us").value_or(0);
    }
    if (quota > 0 && period > 0) {
        tighten(limits.processors, quota / period);
    }
}

void apply_memory(const fs::path & folder, bool second_version, GroupLimits & limits) {
    const auto most = number_in<std::uint64_t>(folder / (second_version ? "memory.max" : "memory.limit_in_bytes"));
    constexpr std::uint64_t kUnlimited = std::numeric_limits<std::int64_t>::max() / 2;  // version 1 has no "max"
    if (!most || *most > kUnlimited) {
        return;
    }
    const std::uint64_t used =
        number_in<std::uint64_t>(folder / (second_version ? "memory.current" : "memory.usage_in_bytes")).value_or(0);
    // What counts as used holds file pages, a mapped model's among them, that give way when memory is asked for.
    const std::uint64_t held =
        used - std::min(used, file_pages(folder / "memory.stat", second_version ? "" : "total_"));
    tighten(limits.memory, *most > held ? *most - held : 0);
}

}  // namespace

GroupLimits group_limits(const fs::path & root) {
    GroupLimits limits;
    const std::vector<Mount> all = mounts(root);
    std::ifstream file(root / "proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {  // number:controllers:group
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) {
            continue;
        }
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const std::string group = line.substr(second + 1);
        const bool second_version = controllers.empty();
        const auto of_this_hierarchy = [&](const Mount & mount) {
            return second_version ? mount.type == "cgroup2"
                                  : mount.type == "cgroup" &&
                                        lists(mount.controllers, controllers.substr(0, controllers.find(',')));
        };
        // Another group's folder may be mounted as well, for somebody who watches it.
        const bool ours_is_mounted = std::any_of(all.begin(), all.end(), [&](const Mount & mount) {
            return of_this_hierarchy(mount) && contains(mount, group);
        });
        for (const Mount & mount : all) {
            if (!of_this_hierarchy(mount) || (ours_is_mounted && !contains(mount, group))) {
                continue;
            }
            for (fs::path folder = folder_of(mount, group);; folder = folder.parent_path()) {
                if (second_version || lists(controllers, "cpu")) {
                    apply_processors(folder, second_version, limits);
                }
                if (second_version || lists(controllers, "memory")) {
                    apply_memory(folder, second_version, limits);
                }
                if (folder == mount.path || !folder.has_relative_path()) {
                    break;
                }
            }
        }
    }
    return limits;
}

}  // namespace snapkv

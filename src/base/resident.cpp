#include "base/resident.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace snapkv {

namespace {

/// The value in bytes of a "Name:  1234 kB" line; 0 where there is none.
std::uint64_t kilobytes_line(const char * path, const std::string & name) {
    std::ifstream file(path);
    std::string key;
    while (file >> key) {
        std::uint64_t value = 0;
        if (key == name && file >> value) {
            return value * 1024;
        }
        file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
    return 0;
}

std::uint64_t number_in(const char * path) {
    std::ifstream file(path);
    std::uint64_t value = 0;
    return file >> value ? value : 0;  // "max" is no number: no limit
}

/// Page cache that the control group holds.
std::uint64_t file_pages() {
    std::ifstream file("/sys/fs/cgroup/memory.stat");
    std::string key;
    std::uint64_t value = 0;
    std::uint64_t bytes = 0;
    while (file >> key >> value) {
        bytes += key == "active_file" || key == "inactive_file" ? value : 0;
    }
    return bytes;
}

}  // namespace

Resident resident_memory() {
    return {kilobytes_line("/proc/self/status", "RssAnon:"), kilobytes_line("/proc/self/status", "VmHWM:")};
}

std::uint64_t available_memory() {
    std::uint64_t available = kilobytes_line("/proc/meminfo", "MemAvailable:");
    if (available == 0) {
        available = std::numeric_limits<std::uint64_t>::max();
    }
    const std::uint64_t limit = number_in("/sys/fs/cgroup/memory.max");
    const std::uint64_t used = number_in("/sys/fs/cgroup/memory.current");
    if (limit > 0) {
        // What the group counts as used holds file pages, a mapped model's among them, that give way when asked.
        const std::uint64_t held = used - std::min(used, file_pages());
        available = std::min(available, limit > held ? limit - held : 0);
    }
    return available;
}

}  // namespace snapkv

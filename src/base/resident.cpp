#include "base/resident.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

#include "base/control_group.h"

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

}  // namespace

Resident resident_memory() {
    return {kilobytes_line("/proc/self/status", "RssAnon:"), kilobytes_line("/proc/self/status", "VmHWM:")};
}

std::uint64_t heap_memory() {
    const struct mallinfo2 heap = ::mallinfo2();
    return std::uint64_t{heap.uordblks} + heap.hblkhd;
}

std::uint64_t available_physical_memory() {
    std::uint64_t available = kilobytes_line("/proc/meminfo", "MemAvailable:");
    if (available == 0) {
        available = std::numeric_limits<std::uint64_t>::max();
    }
    return std::min(available, group_limits().memory.value_or(available));
}

std::uint64_t available_address_space() {
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return std::numeric_limits<std::uint64_t>::max();
    }
    const std::uint64_t taken = kilobytes_line("/proc/self/status", "VmSize:");
    return limit.rlim_cur > taken ? limit.rlim_cur - taken : 0;
}

std::uint64_t available_memory() {
    return std::min(available_physical_memory(), available_address_space());
}

}  // namespace snapkv

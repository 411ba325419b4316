#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "base/control_group.h"

namespace snapkv {

namespace {

/// Cores with at least one processor in the set; a processor that the system says nothing about is a core.
std::uint32_t cores(const cpu_set_t & processors) {
    std::set<std::string> siblings;
    for (unsigned processor = 0; processor < CPU_SETSIZE; ++processor) {
        if (CPU_ISSET(processor, &processors)) {
            std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(processor) +
                               "/topology/thread_siblings_list");
            std::string list;
            siblings.insert(std::getline(file, list) ? list : std::to_string(processor));
        }
    }
    return static_cast<std::uint32_t>(siblings.size());
}

}  // namespace

std::uint32_t usable_cores() {
    std::uint32_t count = std::max(1U, std::thread::hardware_concurrency());
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) == 0) {
        count = std::max(1U, cores(set));
    }
    const double quota = group_limits().processors.value_or(count);
    return quota < count ? std::max(1U, static_cast<std::uint32_t>(std::ceil(quota))) : count;
}

}  // namespace snapkv

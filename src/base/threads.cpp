#include "base/threads.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <thread>

namespace snapkv {

std::uint32_t usable_processors() {
    std::uint32_t count = std::max(1U, std::thread::hardware_concurrency());
    cpu_set_t set;
    if (::sched_getaffinity(0, sizeof set, &set) == 0) {
        count = static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
    }
    std::ifstream file("/sys/fs/cgroup/cpu.max");
    double quota = 0;
    double period = 0;
    if (file >> quota >> period && quota > 0 && period > 0) {
        count = std::min(count, static_cast<std::uint32_t>(std::max(1.0, std::ceil(quota / period))));
    }
    return count;
}

}  // namespace snapkv

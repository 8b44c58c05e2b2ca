// SPDX-License-Identifier: Apache-2.0
#include "worker/environment.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace assay::worker {

bool pin_this_thread(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return false;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set) == 0;
}

bool lock_memory(bool as_touched) {
  if (std::string_view(ASSAY_SANITIZER) != "")
    return false;  // their shadow memory cannot be locked
  if (as_touched) return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
  if (mlockall(MCL_CURRENT) != 0) return false;
  // MCL_FUTURE under a limit that this process does not override would turn a later allocation into
  // a failure. That it is overridden shows in that more than the limit could be locked just now;
  // ask for no more than a test.
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    const size_t probe_bytes = static_cast<size_t>(limit.rlim_cur) + (size_t{1} << 20);
    void* probe =
        mmap(nullptr, probe_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (probe == MAP_FAILED) return true;
    const bool beyond = mlock2(probe, probe_bytes, MLOCK_ONFAULT) == 0;
    munmap(probe, probe_bytes);
    if (!beyond) return true;
  }
  mlockall(MCL_CURRENT | MCL_FUTURE);
  return true;
}

std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int c = 0; c < CPU_SETSIZE; ++c)
    if (CPU_ISSET(c, &set)) cpus.push_back(c);
  return cpus;
}

Json thread_affinities() {
  namespace fs = std::filesystem;
  constexpr std::string_view key = "Cpus_allowed_list:";
  Json list = Json::array();
  std::error_code error;
  for (fs::directory_iterator it("/proc/self/task", error), end; !error && it != end;
       it.increment(error)) {
    std::ifstream status(it->path() / "status");
    std::string line;
    while (std::getline(status, line)) {
      if (line.rfind(key, 0) != 0) continue;
      const size_t at = line.find_first_not_of(" \t", key.size());
      list.push_back({{"tid", std::stoi(it->path().filename().string())},
                      {"cpus", at == std::string::npos ? "" : line.substr(at)}});
    }
  }
  return list;
}

}  // namespace assay::worker

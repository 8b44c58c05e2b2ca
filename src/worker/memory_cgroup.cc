// SPDX-License-Identifier: Apache-2.0
#include "worker/memory_cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "base/text.h"

namespace assay::worker {
namespace {

bool write_number(const fs::path& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return ok;
}

std::string content(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// The number after "key " in lines of "key number"; -1 when absent.
int64_t keyed_number(const std::string& text, const std::string& key) {
  std::istringstream in(text);
  std::string name;
  int64_t value = 0;
  while (in >> name >> value)
    if (name == key) return value;
  return -1;
}

struct Location {
  fs::path folder;  // where our own processes are
  bool v2 = false;
};

// Where the hierarchy `v2`/memory is mounted, from /proc/self/mountinfo: root inside the hierarchy,
// mount point.
bool find_mount(bool v2, std::string& root, std::string& mount_point) {
  std::ifstream in("/proc/self/mountinfo");
  std::string line;
  while (std::getline(in, line)) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream front(line), back(line.substr(dash + 3));
    std::string skip, type, source, options;
    front >> skip >> skip >> skip >> root >> mount_point;
    back >> type >> source >> options;
    if (v2 ? type == "cgroup2"
           : type == "cgroup" && ("," + options + ",").find(",memory,") != std::string::npos)
      return true;
  }
  return false;
}

// Our own group in the hierarchy with the memory controller; version 1 first, since a mixed system
// has it there.
std::optional<Location> own_group(std::string& note) {
  std::ifstream in("/proc/self/cgroup");
  std::string line, v1_path, v2_path;
  while (std::getline(in, line)) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers.find(",memory,") != std::string::npos) v1_path = line.substr(second + 1);
    if (controllers == ",,") v2_path = line.substr(second + 1);
  }
  for (const bool v2 : {false, true}) {
    const std::string& path = v2 ? v2_path : v1_path;
    std::string root, mount_point;
    if (path.empty() || !find_mount(v2, root, mount_point)) continue;
    std::string below = path;
    if (root != "/" && below.rfind(root, 0) == 0) below = below.substr(root.size());
    return Location{fs::path(mount_point) / fs::path(below).relative_path(), v2};
  }
  note = "memory cgroup: no memory controller is mounted";
  return std::nullopt;
}

// Groups that an assay which was killed left behind: named after its pid, and no longer in use
// (rmdir sees to that).
void remove_stale(const fs::path& parent) {
  std::error_code error;
  for (fs::directory_iterator it(parent, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.rfind("assay-", 0) != 0) continue;
    const int pid = std::atoi(name.c_str() + 6);
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) rmdir(it->path().c_str());
  }
}

}  // namespace

std::optional<MemoryCgroup> MemoryCgroup::create(int64_t limit_bytes, std::string& note) {
  const auto own = own_group(note);
  if (!own) return std::nullopt;
  // Version 2 has no processes in inner groups: the new group must stand beside ours, not below.
  const fs::path parent = own->v2 ? own->folder.parent_path() : own->folder;
  if (own->v2 && content(parent / "cgroup.subtree_control").find("memory") == std::string::npos) {
    note = "memory cgroup: the memory controller is not given to " + parent.string();
    return std::nullopt;
  }
  remove_stale(parent);
  MemoryCgroup group;
  group.v2_ = own->v2;
  const fs::path folder = parent / fmt::format("assay-{}-{}", getpid(), random_id().substr(0, 12));
  std::error_code error;
  if (!fs::create_directory(folder, error)) {
    note = fmt::format("memory cgroup: {} cannot be made: {}", folder.string(), error.message());
    return std::nullopt;
  }
  group.folder_ = folder;
  if (limit_bytes <= 0) return group;
  const std::string limit = std::to_string(limit_bytes);
  if (!write_number(folder / (own->v2 ? "memory.max" : "memory.limit_in_bytes"), limit)) {
    note = fmt::format("memory cgroup: the limit cannot be set: {}", std::strerror(errno));
    return std::nullopt;
  }
  // Without these the limit would only push the child into swap; they are absent where there is no
  // swap accounting.
  write_number(folder / (own->v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes"),
               own->v2 ? "0" : limit);
  return group;
}

MemoryCgroup::MemoryCgroup(MemoryCgroup&& other) noexcept
    : folder_(std::move(other.folder_)), v2_(other.v2_) {
  other.folder_.clear();
}

MemoryCgroup::~MemoryCgroup() {
  if (folder_.empty()) return;
  // The last task leaves the group a moment after it was waited for.
  for (int attempt = 0; attempt < 100 && rmdir(folder_.c_str()) != 0 && errno == EBUSY; ++attempt)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
}

int64_t MemoryCgroup::peak_bytes() const {
  const std::string text = content(folder_ / (v2_ ? "memory.peak" : "memory.max_usage_in_bytes"));
  return text.empty() ? -1 : std::strtoll(text.c_str(), nullptr, 10);
}

int64_t MemoryCgroup::oom_kills() const {
  const int64_t kills =
      keyed_number(content(folder_ / (v2_ ? "memory.events" : "memory.oom_control")), "oom_kill");
  return kills < 0 ? 0 : kills;
}

}  // namespace assay::worker

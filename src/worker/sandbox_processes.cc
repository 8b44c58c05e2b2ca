// SPDX-License-Identifier: Apache-2.0
#include "worker/sandbox_processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <set>

namespace assay::worker {
namespace {

std::string small_file(const std::string& path) {
  std::array<char, 4096> buffer;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return "";
  const ssize_t got = read(fd, buffer.data(), buffer.size());
  close(fd);
  return got > 0 ? std::string(buffer.data(), static_cast<size_t>(got)) : "";
}

// /proc/PID/stat is "pid (comm) state ppid ..."; comm may hold any character, so its end is the
// last ')'.
bool read_entry(int pid, ProcessEntry& entry) {
  const std::string text = small_file("/proc/" + std::to_string(pid) + "/stat");
  const size_t open_at = text.find('('), close_at = text.rfind(')');
  if (open_at == std::string::npos || close_at == std::string::npos || close_at < open_at)
    return false;
  entry.pid = pid;
  entry.name = text.substr(open_at + 1, close_at - open_at - 1);
  return std::sscanf(text.c_str() + close_at + 1, " %c %d", &entry.state, &entry.parent) == 2;
}

}  // namespace

std::vector<ProcessEntry> list_processes() {
  std::vector<ProcessEntry> entries;
  DIR* folder = opendir("/proc");
  if (folder == nullptr) return entries;
  while (const dirent* item = readdir(folder)) {
    char* end = nullptr;
    const long pid = std::strtol(item->d_name, &end, 10);
    ProcessEntry entry;
    if (pid > 0 && *end == '\0' && read_entry(static_cast<int>(pid), entry))
      entries.push_back(std::move(entry));
  }
  closedir(folder);
  return entries;
}

std::vector<ProcessEntry> descendants(int root) {
  const std::vector<ProcessEntry> all = list_processes();
  std::set<int> tree = {root};
  // Pids need not grow from parent to child, so sweep until nothing is added.
  for (size_t before = 0; before != tree.size();) {
    before = tree.size();
    for (const ProcessEntry& e : all)
      if (tree.count(e.parent) != 0) tree.insert(e.pid);
  }
  std::vector<ProcessEntry> found;
  for (const ProcessEntry& e : all)
    if (e.pid != root && tree.count(e.pid) != 0 && e.state != 'Z' && e.state != 'X')
      found.push_back(e);
  return found;
}

int64_t tree_rss_bytes(int root) {
  static const int64_t page_bytes = sysconf(_SC_PAGESIZE);
  int64_t pages = 0;
  std::vector<ProcessEntry> tree = descendants(root);
  tree.push_back({root, 0, 'R', ""});
  for (const ProcessEntry& e : tree) {
    long size = 0, resident = 0;
    const std::string text = small_file("/proc/" + std::to_string(e.pid) + "/statm");
    if (std::sscanf(text.c_str(), "%ld %ld", &size, &resident) == 2) pages += resident;
  }
  return pages * page_bytes;
}

}  // namespace assay::worker

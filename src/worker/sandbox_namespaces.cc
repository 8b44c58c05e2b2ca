// SPDX-License-Identifier: Apache-2.0
#include "worker/sandbox_namespaces.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace assay::worker {
namespace {

bool write_text(const char* path, const std::string& text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int saved = errno;
  close(fd);
  errno = saved;
  return ok;
}

// A user namespace in which we stay who we are; inside it the other namespaces may be unshared.
bool enter_user_namespace(std::vector<std::string>& notes) {
  const std::string uid = std::to_string(geteuid()), gid = std::to_string(getegid());
  if (unshare(CLONE_NEWUSER) != 0) {
    notes.push_back(std::string("user namespace refused: ") + std::strerror(errno));
    return false;
  }
  write_text("/proc/self/setgroups", "deny");  // absent on old kernels, and then not needed
  if (!write_text("/proc/self/uid_map", uid + " " + uid + " 1") ||
      !write_text("/proc/self/gid_map", gid + " " + gid + " 1"))
    notes.push_back(std::string("user namespace: ids could not be mapped: ") +
                    std::strerror(errno));
  return true;
}

bool unshare_one(int flag, const char* name, std::vector<std::string>& notes) {
  if (unshare(flag) == 0) return true;
  notes.push_back(std::string(name) + " namespace refused: " + std::strerror(errno));
  return false;
}

std::string loopback_up() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::string("loopback: no socket: ") + std::strerror(errno);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  std::string problem;
  if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
    problem = std::string("loopback cannot be read: ") + std::strerror(errno);
  } else {
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP | IFF_RUNNING);
    if (ioctl(fd, SIOCSIFFLAGS, &request) != 0)
      problem = std::string("loopback cannot be brought up: ") + std::strerror(errno);
  }
  close(fd);
  return problem;
}

// What a root child could change of the whole machine through its own /proc: everything there but
// the processes (and the links that lead to them).
std::vector<std::string> machine_wide() {
  std::vector<std::string> out;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return out;
  while (const dirent* entry = readdir(proc)) {
    const std::string name = entry->d_name;
    if (name[0] == '.' || (name[0] >= '0' && name[0] <= '9') || entry->d_type == DT_LNK) continue;
    out.push_back("/proc/" + name);
  }
  closedir(proc);
  return out;
}

// Own mounts of the writable folders first, then the whole tree read-only, then those mounts
// writable again. A private /proc is writable too, but for what is machine-wide: CUDA's driver
// library writes to its process's entries there and calls the GPU missing where it cannot.
std::string make_read_only(const std::vector<std::string>& writable, bool private_proc) {
  const auto problem = [](const std::string& what) { return what + ": " + std::strerror(errno); };
  for (const std::string& folder : writable)
    if (mount(folder.c_str(), folder.c_str(), nullptr, MS_BIND, nullptr) != 0)
      return problem(folder);
  bool open_proc = private_proc;
  if (private_proc) {
    const std::vector<std::string> shut = machine_wide();
    open_proc = !shut.empty();
    for (const std::string& path : shut)
      if (mount(path.c_str(), path.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0)
        open_proc = false;
  }
  const bool own_shm = mount("shm", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") == 0;
  mount_attr set{}, clear{};
  set.attr_set = MOUNT_ATTR_RDONLY;
  clear.attr_clr = MOUNT_ATTR_RDONLY;
  if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &set, sizeof set) != 0) return problem("/");
  for (const std::string& folder : writable)
    if (mount_setattr(AT_FDCWD, folder.c_str(), 0, &clear, sizeof clear) != 0)
      return problem(folder);
  if (open_proc) mount_setattr(AT_FDCWD, "/proc", 0, &clear, sizeof clear);
  if (own_shm) mount_setattr(AT_FDCWD, "/dev/shm", 0, &clear, sizeof clear);
  return "";
}

}  // namespace

Json Isolation::to_json() const {
  return {{"network", network ? "none" : "host"},
          {"pid_namespace", pid},
          {"mount_namespace", mount},
          {"user_namespace", user},
          {"read_only", read_only},
          {"killed_through", pid ? "pid namespace" : "subreaper"},
          {"notes", notes}};
}

Isolation unshare_all(bool keep_network) {
  Isolation isolation;
  // One trial tells whether our own rights suffice; where they do not, a user namespace gives them.
  isolation.mount = unshare(CLONE_NEWNS) == 0;
  if (!isolation.mount) {
    isolation.user = enter_user_namespace(isolation.notes);
    isolation.mount = unshare_one(CLONE_NEWNS, "mount", isolation.notes);
  }
  isolation.ipc = unshare_one(CLONE_NEWIPC, "ipc", isolation.notes);
  isolation.pid = unshare_one(CLONE_NEWPID, "pid", isolation.notes);
  if (keep_network)
    isolation.notes.push_back("the network was left to the child on request");
  else
    isolation.network = unshare_one(CLONE_NEWNET, "network", isolation.notes);
  return isolation;
}

void settle_namespaces(Isolation& isolation, const std::vector<std::string>& writable) {
  bool is_private = false;
  if (isolation.mount) {
    // Private first: else the new /proc would show up outside.
    if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      isolation.notes.push_back(std::string("mounts cannot be made private: ") +
                                std::strerror(errno));
    else
      is_private = true;
    if (is_private && isolation.pid) {
      isolation.private_proc =
          mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0;
      if (!isolation.private_proc)
        isolation.notes.push_back(std::string("/proc cannot be mounted: ") + std::strerror(errno));
    }
  }
  if (is_private) {
    const std::string problem = make_read_only(writable, isolation.private_proc);
    isolation.read_only = problem.empty();
    if (!problem.empty()) isolation.notes.push_back("file system not read-only: " + problem);
  }
  if (isolation.network) {
    const std::string problem = loopback_up();
    if (!problem.empty()) isolation.notes.push_back(problem);
  }
}

void drop_rights() {
  constexpr int kept[] = {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER,
                          CAP_CHOWN,        CAP_IPC_LOCK,        CAP_SYS_NICE};
  for (int cap = 0; cap <= 63; ++cap)
    if (std::find(std::begin(kept), std::end(kept), cap) == std::end(kept))
      prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

}  // namespace assay::worker

// SPDX-License-Identifier: Apache-2.0
#include "response/co_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "base/text.h"

namespace assay::response {
namespace {

constexpr int kPatienceMs = 5000;  // from closing its stdin to killing it

// What it writes until it ends, at most 64 KiB and five seconds.
std::string last_words(int fd) {
  std::string text;
  char bytes[4096];
  const int64_t until = monotonic_ns() + int64_t{kPatienceMs} * 1'000'000;
  while (text.size() < (1 << 16)) {
    pollfd p{fd, POLLIN, 0};
    const int64_t left_ms = (until - monotonic_ns()) / 1'000'000;
    if (left_ms <= 0 || poll(&p, 1, static_cast<int>(left_ms)) <= 0) break;
    const ssize_t n = read(fd, bytes, sizeof bytes);
    if (n <= 0) break;
    text.append(bytes, static_cast<size_t>(n));
  }
  return text;
}

}  // namespace

Result<CoRunner> CoRunner::start(const std::string& kind, const std::vector<int>& cpus,
                                 const std::vector<int>& busy) {
  CoRunner out;
  if (kind == "none") return out;
  std::vector<int> where;
  for (const int c : cpus)
    if (std::find(busy.begin(), busy.end(), c) == busy.end()) where.push_back(c);
  if (where.empty() && !cpus.empty()) where.push_back(cpus.back());
  const std::string program = (executable_dir() / "assay-corunner").string();
  for (const int cpu : where) {
    int in[2], words[2];
    if (pipe2(in, O_CLOEXEC) != 0) return internal_error("no pipe for a co-runner");
    if (pipe2(words, O_CLOEXEC) != 0) {
      close(in[0]);
      close(in[1]);
      return internal_error("no pipe for a co-runner");
    }
    const std::string number = std::to_string(cpu);
    const char* const argv[] = {program.c_str(), "--kind",       kind.c_str(),
                                "--cpu",         number.c_str(), nullptr};
    const char* const env[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8", nullptr};
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, words[1], STDOUT_FILENO);
    posix_spawnattr_t attributes;  // a group of its own: Ctrl-C of a terminal is not for it
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    One one{-1, cpu, in[1], words[0]};
    const int error = posix_spawn(&one.pid, program.c_str(), &files, &attributes,
                                  const_cast<char* const*>(argv), const_cast<char* const*>(env));
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    close(in[0]);
    close(words[1]);
    if (error != 0) {
      close(in[1]);
      close(words[0]);
      return missing(fmt::format("{} cannot be started: {}", program, strerror(error)),
                     "build it: ./assay-up build");
    }
    out.all_.push_back(one);
  }
  return out;
}

Json CoRunner::stop() {
  if (all_.empty()) return nullptr;
  Json out{{"ended_early", false}, {"cpus", Json::array()}, {"moved", Json::array()}};
  for (One& one : all_) {
    if (waitpid(one.pid, nullptr, WNOHANG) != 0) {
      out["ended_early"] = true;
      one.pid = -1;  // reaped: the number may be another's now
    }
    close(one.in);
  }
  for (const One& one : all_) {
    out["cpus"].push_back(one.cpu);
    const auto said = parse_json(last_words(one.out), "co-runner");
    if (said) out["moved"].push_back(*said);
    close(one.out);
    if (one.pid < 0) continue;
    kill(one.pid, SIGKILL);
    while (waitpid(one.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  all_.clear();
  return out;
}

}  // namespace assay::response

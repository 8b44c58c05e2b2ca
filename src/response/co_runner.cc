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
#include "frames/corunner.h"

namespace assay::response {
namespace {

constexpr int kEndMs = 5000;      // from closing its stdin to killing it
constexpr int kBeginMs = 60'000;  // to fill its buffer

// The next line that it writes, without its end; what there is when it ends, is silent for
// `patience_ms`, writes more than 64 KiB, or `cancel` is set.
std::string next_line(int fd, int patience_ms, const std::atomic<bool>* cancel) {
  std::string text;
  const int64_t until = monotonic_ns() + int64_t{patience_ms} * 1'000'000;
  while (text.size() < (1 << 16) && monotonic_ns() < until && !(cancel && cancel->load())) {
    pollfd p{fd, POLLIN, 0};
    if (poll(&p, 1, 50) <= 0) continue;
    char byte = 0;  // lines are short, and what follows is another call's
    if (read(fd, &byte, 1) <= 0 || byte == '\n') break;
    text += byte;
  }
  return text;
}

}  // namespace

Result<CoRunner> CoRunner::start(const std::string& kind, const std::vector<int>& cpus,
                                 const std::vector<int>& busy, const std::atomic<bool>* cancel) {
  CoRunner out;
  if (kind == "none") return out;
  std::vector<int> where;
  for (const int c : cpus)
    if (std::find(busy.begin(), busy.end(), c) == busy.end()) where.push_back(c);
  if (where.empty() && !cpus.empty()) where.push_back(cpus.back());
  // Together they are as large as one alone would be: memory is not to run out.
  frames::CorunnerSpec spec;
  spec.kind =
      kind == "cache" ? frames::CorunnerSpec::Kind::cache : frames::CorunnerSpec::Kind::memory;
  const int64_t share = frames::buffer_bytes(spec) / std::max<int64_t>(1, std::ssize(where));
  const std::string mib = std::to_string(std::max<int64_t>(1, share >> 20));
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
    const char* const argv[] = {program.c_str(), "--kind", kind.c_str(), "--cpu",
                                number.c_str(),  "--mib",  mib.c_str(),  nullptr};
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
  for (const One& one : out.all_) {
    const std::string line = next_line(one.out, kBeginMs, cancel);
    if (cancel && cancel->load()) break;
    if (line.find("\"ready\"") == std::string::npos)
      return missing(fmt::format("the co-runner on CPU {} did not begin{}{}", one.cpu,
                                 line.empty() ? "" : ": ", one_line(line, 200)),
                     "see assay-corunner --help; free some memory");
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
    const auto said = parse_json(next_line(one.out, kEndMs, nullptr), "co-runner");
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

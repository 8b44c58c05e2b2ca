// SPDX-License-Identifier: Apache-2.0
#include "worker/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace assay::worker {
namespace {

// Above every descriptor that the supervisor expects, so that no dup2 overwrites a source.
constexpr int first_free = 16;

Result<Fd> lifted(int fd) {
  const int high = fcntl(fd, F_DUPFD_CLOEXEC, first_free);
  if (high < 0)
    return internal_error(fmt::format("child: no descriptor left: {}", std::strerror(errno)));
  return Fd(high);
}

// Sealed-off memory holding `text`, read from its start: a child that never reads its input blocks
// nobody.
Result<Fd> text_fd(const char* name, const std::string& text) {
  Fd fd(memfd_create(name, MFD_CLOEXEC));
  if (fd.get() < 0) return internal_error(fmt::format("child: memfd: {}", std::strerror(errno)));
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = write(fd.get(), text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return internal_error(fmt::format("child: memfd: {}", std::strerror(errno)));
    done += static_cast<size_t>(n);
  }
  lseek(fd.get(), 0, SEEK_SET);
  return lifted(fd.get());
}

struct Pipe {
  Fd read, write;
};
Result<Pipe> make_pipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return internal_error(fmt::format("child: pipe: {}", std::strerror(errno)));
  Pipe pipe{Fd(ends[0]), Fd()};
  const Fd low(ends[1]);
  ASSAY_TRY(pipe.write, lifted(low.get()));
  fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

Result<pid_t> start(const std::string& program,
                    const std::vector<std::pair<int, int>>& descriptors) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  for (const auto& [from, to] : descriptors) posix_spawn_file_actions_adddup2(&actions, from, to);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes,
                            0);  // Ctrl-C at the terminal reaches assay, which then decides
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  char* argv[] = {const_cast<char*>(program.c_str()), nullptr};
  char* environment[] = {nullptr};
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program.c_str(), &actions, &attributes, argv, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0)
    return internal_error(fmt::format("{}: cannot be started: {}", program, std::strerror(error)));
  return pid;
}

}  // namespace

void Fd::reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

Result<SpawnedSandbox> spawn_sandbox(const SandboxJob& job, const std::string& stdin_text,
                                     int samples_fd) {
  const fs::path program = executable_dir() / "assay-sandbox";
  if (access(program.c_str(), X_OK) != 0)
    return missing(
        fmt::format("{}: not found: no child can be started without it", program.string()),
        "build or install the target assay-sandbox beside assay");
  SpawnedSandbox spawned;
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    return internal_error(fmt::format("child: socket: {}", std::strerror(errno)));
  spawned.control = Fd(sockets[0]);
  const Fd low(sockets[1]);
  fcntl(spawned.control.get(), F_SETFL, O_NONBLOCK);
  ASSAY_TRY(const Fd control, lifted(low.get()));
  ASSAY_TRY(const Fd input, text_fd("assay-stdin", stdin_text));
  ASSAY_TRY(const Fd description, text_fd("assay-job", dump_json(job.to_json())));
  ASSAY_TRY(Pipe out, make_pipe());
  ASSAY_TRY(Pipe err, make_pipe());
  ASSAY_TRY(Pipe events, make_pipe());
  std::vector<std::pair<int, int>> descriptors = {
      {input.get(), STDIN_FILENO},         {out.write.get(), STDOUT_FILENO},
      {err.write.get(), STDERR_FILENO},    {events.write.get(), event_descriptor},
      {description.get(), job_descriptor}, {control.get(), control_descriptor}};
  Fd samples;
  if (samples_fd >= 0) {
    ASSAY_TRY(samples, lifted(samples_fd));
    descriptors.emplace_back(samples.get(), samples_descriptor);
  }
  ASSAY_TRY(spawned.pid, start(program.string(), descriptors));
  spawned.events = std::move(events.read);
  spawned.out = std::move(out.read);
  spawned.err = std::move(err.read);
  return spawned;
}

}  // namespace assay::worker

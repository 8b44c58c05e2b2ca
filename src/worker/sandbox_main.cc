// SPDX-License-Identifier: Apache-2.0
// assay-sandbox: supervisor of one child process, started by run_child (never by hand). A process
// of its own, because namespaces, process rights and reaping belong to a process with one thread.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "worker/sandbox_job.h"
#include "worker/sandbox_namespaces.h"
#include "worker/sandbox_supervise.h"

namespace {

using namespace assay;
using namespace assay::worker;

void say(const Json& line) {
  const std::string text = dump_json(line) + "\n";
  (void)!send(control_descriptor, text.data(), text.size(), MSG_NOSIGNAL);
}

Result<SandboxJob> read_job() {
  std::string text;
  char buffer[65536];
  ssize_t got;
  while ((got = read(job_descriptor, buffer, sizeof buffer)) > 0)
    text.append(buffer, static_cast<size_t>(got));
  ASSAY_TRY(const Json j, parse_json(text, "sandbox job"));
  return SandboxJob::from_json(j);
}

// In the process that lives inside the namespaces (or in the only one there is).
[[noreturn]] void inside(SandboxJob& job, Isolation& isolation) {
  settle_namespaces(isolation, job.writable);
  Json line = isolation.to_json();
  line["what"] = answer::isolation;
  say(line);
  _exit(supervise(job, isolation));
}

}  // namespace

int main() {
  if (fcntl(control_descriptor, F_GETFD) < 0 || fcntl(job_descriptor, F_GETFD) < 0) {
    static const char text[] = "assay-sandbox is started by assay itself\n";
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    return 2;
  }
  syscall(SYS_close_range, static_cast<unsigned>(control_descriptor) + 1, ~0u, 0u);
  auto job = read_job();
  if (!job) {
    say({{"what", answer::failed}, {"message", job.error().message}});
    return 0;
  }
  // Before the unshare: a file held open for writing on one of our own mounts would forbid to make
  // them read-only.
  if (!job->cgroup_procs.empty())
    job->cgroup_fd = open(job->cgroup_procs.c_str(), O_WRONLY | O_CLOEXEC);
  Isolation isolation = unshare_all(job->network);
  if (!isolation.pid) {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    inside(*job, isolation);  // sees its parent's death at the socket: dying at once would orphan
                              // the children
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != job->parent_pid) return 1;  // the parent died before the line above
  const pid_t first = fork();
  if (first == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    inside(*job, isolation);
  }
  if (first < 0) {
    say({{"what", answer::failed}, {"message", "sandbox: fork failed"}});
    return 0;
  }
  for (int fd = 0; fd <= control_descriptor; ++fd) close(fd);
  int status = 0;
  waitpid(first, &status, 0);
  _exit(0);
}

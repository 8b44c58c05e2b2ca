// SPDX-License-Identifier: Apache-2.0
#include "worker/child.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/text.h"
#include "worker/child_streams.h"
#include "worker/memory_cgroup.h"
#include "worker/sandbox_job.h"
#include "worker/sandbox_processes.h"
#include "worker/spawn.h"

namespace assay::worker {
namespace {

constexpr int64_t ns_per_s = 1'000'000'000;
constexpr int64_t watch_interval_ns = 50'000'000;  // RSS watchdog: 20 Hz
constexpr int64_t cancel_interval_ns = 50'000'000;
constexpr int64_t quiet_interval_ns = ns_per_s;      // both, while the child is left alone
constexpr int64_t kill_patience_ns = 10 * ns_per_s;  // from asking the supervisor to killing it
constexpr int64_t drain_patience_ns =
    2 * ns_per_s;  // for pipes that stay open after everything was killed

// One run of a child: the supervisor, its streams, the reasons to kill.
class Watch {
 public:
  Watch(const ChildSpec& spec, SpawnedSandbox sandbox, LogSink out, LogSink err,
        std::optional<MemoryCgroup> cgroup, std::string cgroup_note);
  ~Watch();
  Result<ChildResult> run();

 private:
  void poll_once();
  int64_t interval(int64_t usual_ns) const {
    return spec_.quiet != nullptr && spec_.quiet->load() ? quiet_interval_ns : usual_ns;
  }
  bool drain(Fd& fd, const std::function<void(std::string_view)>& take);
  void on_answer(std::string_view line);
  void check_limits();
  void ask_to_kill(Outcome why);
  bool finished() const;
  ChildResult result();

  const ChildSpec& spec_;
  SpawnedSandbox sandbox_;
  LogSink out_, err_;
  LineSink events_, answers_;
  std::optional<MemoryCgroup> cgroup_;
  std::string cgroup_note_;
  std::optional<Outcome> killed_for_;
  Json isolation_, ended_;
  std::string failed_;
  bool limit_by_cgroup_ = false, reaped_ = false;
  int64_t begin_ns_ = monotonic_ns(), kill_ns_ = 0, ended_ns_ = 0, next_watch_ns_ = 0,
          sampled_peak_ = 0;
};

Watch::Watch(const ChildSpec& spec, SpawnedSandbox sandbox, LogSink out, LogSink err,
             std::optional<MemoryCgroup> cgroup, std::string cgroup_note)
    : spec_(spec),
      sandbox_(std::move(sandbox)),
      out_(std::move(out)),
      err_(std::move(err)),
      events_(spec.event_line_limit_bytes, spec.event_limit_bytes, spec.on_event),
      answers_(int64_t{1} << 20, int64_t{1} << 30,
               [this](std::string_view line) { on_answer(line); }),
      cgroup_(std::move(cgroup)),
      cgroup_note_(std::move(cgroup_note)) {}

Watch::~Watch() {
  // Also when an event handler threw: nothing may live on, and no zombie may stay.
  if (reaped_) return;
  sandbox_.control.reset();
  kill(sandbox_.pid, SIGKILL);
  waitpid(sandbox_.pid, nullptr, 0);
}

// Reads what is there; closes `fd` at its end. True when something came.
bool Watch::drain(Fd& fd, const std::function<void(std::string_view)>& take) {
  char buffer[65536];
  bool any = false;
  for (int round = 0; round < 64; ++round) {  // bounded: the other streams want their turn
    const ssize_t n = read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return any;
    if (n <= 0) {
      fd.reset();
      return any;
    }
    any = true;
    take({buffer, static_cast<size_t>(n)});
  }
  return any;
}

void Watch::on_answer(std::string_view line) {
  const auto parsed = parse_json(line, "sandbox");
  if (!parsed) return;
  const std::string what = get_string(*parsed, "what");
  if (what == answer::isolation) isolation_ = *parsed;
  if (what == answer::failed)
    failed_ = get_string(*parsed, "message", "the child cannot be started");
  if (what == answer::started) {
    limit_by_cgroup_ = cgroup_ && get_bool(*parsed, "joined_cgroup");
    if (cgroup_ && !limit_by_cgroup_) cgroup_note_ = "memory cgroup: the child could not join it";
  }
  if (what == answer::ended) {
    ended_ = *parsed;
    ended_ns_ = monotonic_ns();
  }
}

void Watch::ask_to_kill(Outcome why) {
  if (killed_for_ || !ended_.is_null()) return;
  killed_for_ = why;
  kill_ns_ = monotonic_ns();
  (void)!send(sandbox_.control.get(), &kill_byte, 1, MSG_NOSIGNAL);
}

void Watch::check_limits() {
  const int64_t now = monotonic_ns();
  if (spec_.cancel != nullptr && spec_.cancel->load()) ask_to_kill(Outcome::cancelled);
  if (static_cast<double>(now - begin_ns_) > spec_.timeout_s * ns_per_s)
    ask_to_kill(Outcome::timed_out);
  if (killed_for_ && now - kill_ns_ > kill_patience_ns) kill(sandbox_.pid, SIGKILL);
  if (limit_by_cgroup_ || now < next_watch_ns_ || !ended_.is_null()) return;
  next_watch_ns_ = now + interval(watch_interval_ns);
  sampled_peak_ = std::max(sampled_peak_, tree_rss_bytes(sandbox_.pid));
  if (spec_.memory_limit_bytes > 0 && sampled_peak_ > spec_.memory_limit_bytes)
    ask_to_kill(Outcome::out_of_memory);
}

void Watch::poll_once() {
  Fd* fds[] = {&sandbox_.control, &sandbox_.events, &sandbox_.out, &sandbox_.err};
  pollfd polled[4];
  for (int i = 0; i < 4; ++i)
    polled[i] = {fds[i]->get(), POLLIN, 0};  // a closed one (-1) is ignored
  const int64_t now = monotonic_ns();
  int64_t until =
      begin_ns_ + static_cast<int64_t>(std::min(spec_.timeout_s, 1e8) * ns_per_s) + 1'000'000;
  if (spec_.cancel != nullptr) until = std::min(until, now + interval(cancel_interval_ns));
  if (!limit_by_cgroup_) until = std::min(until, now + interval(watch_interval_ns));
  if (killed_for_ || !ended_.is_null()) until = std::min(until, now + 100'000'000);
  poll(polled, 4,
       static_cast<int>(std::clamp<int64_t>((until - now + 999'999) / 1'000'000, 0, 60'000)));
  if (polled[1].revents != 0)
    drain(sandbox_.events, [this](std::string_view b) { events_.take(b); });
  if (polled[2].revents != 0) drain(sandbox_.out, [this](std::string_view b) { out_.take(b); });
  if (polled[3].revents != 0) drain(sandbox_.err, [this](std::string_view b) { err_.take(b); });
  if (polled[0].revents != 0)
    drain(sandbox_.control, [this](std::string_view b) { answers_.take(b); });
}

bool Watch::finished() const {
  if (sandbox_.control.get() >= 0) return false;  // the supervisor lives
  const bool open =
      sandbox_.events.get() >= 0 || sandbox_.out.get() >= 0 || sandbox_.err.get() >= 0;
  return !open || (ended_ns_ > 0 && monotonic_ns() - ended_ns_ > drain_patience_ns);
}

Result<ChildResult> Watch::run() {
  int64_t control_closed_ns = 0;
  while (!finished()) {
    poll_once();
    check_limits();
    if (sandbox_.control.get() >= 0) continue;
    if (control_closed_ns == 0) control_closed_ns = monotonic_ns();
    if (monotonic_ns() - control_closed_ns > drain_patience_ns) break;
  }
  while (waitpid(sandbox_.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  reaped_ = true;
  events_.end();
  if (!failed_.empty())
    return missing(failed_, "see what the compiler's folder needs: assay compilers --check");
  return result();
}

ChildResult Watch::result() {
  ChildResult result;
  const int status = static_cast<int>(get_int(ended_, "status", SIGKILL));
  if (WIFSIGNALED(status)) {
    result.outcome = killed_for_.value_or(Outcome::signalled);
    result.signal = WTERMSIG(status);
  } else {
    result.exit_code = WEXITSTATUS(status);
  }
  result.wall_ns = get_int(ended_, "wall_ns", monotonic_ns() - begin_ns_);
  result.cpu_ns = get_int(ended_, "cpu_ns");
  for (const Json& l : get_array(ended_, "leftovers"))
    result.leftovers.push_back({static_cast<int>(get_int(l, "pid")), get_string(l, "name")});
  result.isolation = isolation_.is_object() ? isolation_ : Json::object();
  result.isolation.erase("what");
  Json notes = get_array(result.isolation, "notes");
  if (!cgroup_note_.empty()) notes.push_back(cgroup_note_);
  if (ended_.is_null()) notes.push_back("the supervisor itself was killed; times are the parent's");
  if (out_.write_failed() || err_.write_failed())
    notes.push_back("the log could not be written to its end");
  const bool failed = WIFSIGNALED(status) || result.exit_code != 0;
  const int64_t oom_kills = limit_by_cgroup_ ? cgroup_->oom_kills() : 0;
  if (oom_kills > 0 && failed && !killed_for_) result.outcome = Outcome::out_of_memory;
  if (oom_kills > 0 && !failed)
    notes.push_back(fmt::format(
        "{} processes of the child were killed at the memory limit; it went on", oom_kills));
  const int64_t cgroup_peak = limit_by_cgroup_ ? cgroup_->peak_bytes() : -1;
  result.peak_memory_bytes =
      cgroup_peak >= 0 ? cgroup_peak : std::max(sampled_peak_, get_int(ended_, "max_rss_bytes"));
  result.memory_method = cgroup_peak >= 0 ? "cgroup peak, page cache included" : "sampled RSS sum";
  result.isolation["memory_limit"] = spec_.memory_limit_bytes <= 0 ? "none"
                                     : limit_by_cgroup_            ? "cgroup"
                                                                   : "watchdog";
  result.isolation["notes"] = notes;
  result.event_overflow = events_.overflow();
  result.log_cut = out_.cut() || err_.cut();
  return result;
}

Status check_spec(const ChildSpec& spec) {
  if (spec.argv.empty() || spec.argv[0].empty() || spec.argv[0][0] != '/')
    return internal_error("child: argv[0] is not an absolute path");
  std::error_code ignored;
  if (!fs::is_directory(spec.scratch, ignored))
    return bad_input(
        fmt::format("{}: the scratch folder of a child does not exist", spec.scratch.string()));
  for (const auto& [name, value] : spec.env)
    if (name.empty() || name.find('=') != std::string::npos ||
        (name + value).find('\0') != std::string::npos)
      return bad_input(fmt::format("environment variable '{}' is not possible", one_line(name)));
  return {};
}

Result<SandboxJob> make_job(const ChildSpec& spec) {
  SandboxJob job;
  const fs::path scratch = fs::absolute(spec.scratch).lexically_normal();
  std::map<std::string, std::string> env = {
      {"PATH", "/usr/bin:/bin"}, {"LANG", "C.UTF-8"}, {"ASSAY_EVENT_FD", "3"}};
  for (const auto& [name, folder] : std::map<std::string, std::string>{
           {"HOME", "home"}, {"TMPDIR", "tmp"}, {"XDG_CACHE_HOME", "cache"}, {"", "work"}}) {
    ASSAY_CHECK(make_dirs(scratch / folder));
    if (!name.empty()) env[name] = (scratch / folder).string();
  }
  for (const auto& [name, value] : spec.env) env[name] = value;
  for (const auto& [name, value] : env) job.env.push_back(name + "=" + value);
  job.argv = spec.argv;
  job.cwd = (scratch / "work").string();
  job.cpus = spec.cpus;
  // Outermost folders only: a mount inside another writable one would be hidden by it.
  std::vector<fs::path> writable = {scratch};
  for (const fs::path& folder : spec.writable)
    writable.push_back(fs::absolute(folder).lexically_normal());
  std::sort(writable.begin(), writable.end());
  for (const fs::path& folder : writable) {
    const bool inside =
        !job.writable.empty() && folder.string().starts_with(job.writable.back() + "/");
    if (!inside) job.writable.push_back(folder.string());
  }
  job.file_limit_bytes = spec.file_limit_bytes;
  job.network = spec.network;
  job.samples = spec.samples_fd >= 0;
  job.parent_pid = getpid();
  return job;
}

}  // namespace

Result<ChildResult> run_child(const ChildSpec& spec) {
  ASSAY_CHECK(check_spec(spec));
  ASSAY_TRY(SandboxJob job, make_job(spec));
  ASSAY_TRY(LogSink out, LogSink::create(spec.stdout_file, spec.log_limit_bytes));
  ASSAY_TRY(LogSink err, LogSink::create(spec.stderr_file, spec.log_limit_bytes));
  std::string note;
  std::optional<MemoryCgroup> cgroup = MemoryCgroup::create(spec.memory_limit_bytes, note);
  if (cgroup) job.cgroup_procs = cgroup->procs_file().string();
  ASSAY_TRY(SpawnedSandbox sandbox, spawn_sandbox(job, spec.stdin_text, spec.samples_fd));
  return Watch(spec, std::move(sandbox), std::move(out), std::move(err), std::move(cgroup), note)
      .run();
}

Json probe_isolation() {
  auto scratch = TempDir::create(fs::temp_directory_path(), "assay-probe");
  if (!scratch) return {{"notes", Json::array({scratch.error().message})}};
  ChildSpec spec;
  spec.argv = {"/bin/true"};
  spec.scratch = scratch->path();
  spec.timeout_s = 20;
  spec.memory_limit_bytes = int64_t{256} << 20;
  const auto result = run_child(spec);
  if (!result) return {{"notes", Json::array({result.error().message})}};
  return result->isolation;
}

}  // namespace assay::worker

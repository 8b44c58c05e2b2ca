// SPDX-License-Identifier: Apache-2.0
#include "platform/settings.h"

#include <unistd.h>

#include "base/text.h"
#include "platform/cuda.h"
#include "platform/facts_internal.h"
#include "platform/settings_internal.h"

namespace assay::platform {
namespace {

class Planner {
 public:
  explicit Planner(const Roots& roots) : tree_(roots.root) {}

  // Nothing when the file says so already, or is not there.
  void set(const std::string& path, const std::string& after) {
    const std::string before = tree_.first_line(path);
    if (before.empty() || before == after) return;
    if (writable(tree_, path))
      plan_.changes.push_back({path, before, after});
    else
      plan_.refused.push_back(
          fmt::format("{}: this user may not write it; run as root (sudo)", path));
  }

  void cpu(int number) {
    const auto path = [&](const char* file) { return cpu_path(number, file); };
    if (!tree_.exists(path("cpufreq/scaling_governor"))) {
      plan_.refused.push_back(fmt::format(
          "cpu{}: no cpufreq here{}", number,
          in_virtual_machine(tree_) ? ": the host of this virtual machine sets the clock" : ""));
      return;
    }
    const std::string governors = tree_.first_line(path("cpufreq/scaling_available_governors"));
    if (governors.empty() ||
        fmt::format(" {} ", governors).find(" performance ") != std::string::npos)
      set(path("cpufreq/scaling_governor"), "performance");
    else
      plan_.refused.push_back(fmt::format("cpu{}: has no governor performance", number));
    const auto lowest = tree_.number(path("cpufreq/scaling_min_freq"));
    auto target = tree_.number(path("cpufreq/scaling_max_freq"));
    if (!lowest || !target || *lowest <= 0 || *target < *lowest) {
      plan_.refused.push_back(fmt::format("cpu{}: its range of clocks cannot be read", number));
      return;
    }
    // Above it the clock is what temperature and the other cores leave: no clock to fix.
    const auto base = tree_.number(path("cpufreq/base_frequency"));
    if (base && *base >= *lowest && *base < *target) target = base;
    // The highest first: the lowest must never be above it. Undone in reverse.
    set(path("cpufreq/scaling_max_freq"), std::to_string(*target));
    set(path("cpufreq/scaling_min_freq"), std::to_string(*target));
  }

  void boost() {
    if (tree_.exists(fmt::format("{}/intel_pstate/no_turbo", kCpuFolder)))
      set(fmt::format("{}/intel_pstate/no_turbo", kCpuFolder), "1");
    else
      set(fmt::format("{}/cpufreq/boost", kCpuFolder), "0");
  }

  void gpus(const Roots& roots, int mhz) {
    const auto all = gpu_facts(roots);
    if (!all) {
      plan_.refused.push_back(fmt::format("GPU clocks: {}", one_line(all.error().message)));
      return;
    }
    for (const GpuFacts& g : *all) {
      if (g.can_lock_clocks)
        plan_.changes.push_back({fmt::format("{}{}.locked_mhz", kGpuPath, g.index),
                                 std::string(kNotLocked), std::to_string(mhz)});
      else
        plan_.refused.push_back(
            fmt::format("gpu{}: this user may not lock its clocks; run as root (sudo)", g.index));
    }
  }

  const Tree& tree() const { return tree_; }
  FixPlan take() { return std::move(plan_); }

 private:
  Tree tree_;
  FixPlan plan_;
};

}  // namespace

FixPlan plan_fixed_clocks(const Roots& roots, int gpu_mhz) {
  Planner planner(roots);
  planner.boost();  // first: it changes what the highest clock is
  for (const int cpu : online_cpus(planner.tree())) planner.cpu(cpu);
  if (gpu_mhz > 0) planner.gpus(roots, gpu_mhz);
  return planner.take();
}

struct Settings::Held {
  Roots roots;
  std::vector<Change> changes;
  std::vector<std::string> notes;
  fs::path state;
  int lock = -1;
  std::optional<Guard> guard;
  bool done = false;

  ~Held() {
    if (lock >= 0) ::close(lock);
  }

  // All of them, whatever one says.
  Status put_back() {
    if (done) return {};
    done = true;
    std::string failed;
    for (auto c = changes.rbegin(); c != changes.rend(); ++c) {
      const auto now = value_now(roots, c->path);
      if (now && *now != c->after && *now != c->before)
        notes.push_back(fmt::format("{} was changed meanwhile to \"{}\"; put back to \"{}\"",
                                    c->path, one_line(*now, 80), c->before));
      const Status wrote = write_value(roots, c->path, c->before);
      if (!wrote) failed += fmt::format("{}{}", failed.empty() ? "" : "; ", wrote.error().message);
    }
    if (guard) guard->dismiss();
    if (!failed.empty())
      return missing("cannot put back: " + failed, "assay doctor --restore, as root");
    std::error_code ec;
    if (!state.empty()) fs::remove(state, ec);
    return {};
  }
};

Result<Settings> Settings::apply(const Roots& roots, const FixPlan& plan, const fs::path& state) {
  auto held = std::make_unique<Held>();
  held->roots = roots;
  // Also when there is nothing to set: what another holds, it may put back in the middle.
  ASSAY_TRY(held->lock, lock_state(state));
  std::error_code ec;
  if (fs::exists(state, ec)) {
    const auto before = read_state(state);
    if (!before || before->boot_id == boot_id() || before->root != "/")
      return bad_input(fmt::format("{} holds what a process that is gone has set", state.string()),
                       "assay doctor --restore");
  }
  if (plan.changes.empty()) return Settings(std::move(held));
  held->state = state;
  ASSAY_CHECK(write_file_atomic(
      state,
      dump_json(to_json(State{::getpid(), boot_id(), roots.root.string(), utc_now(), plan.changes}),
                2)));
  ASSAY_TRY(Guard guard, Guard::start(roots, plan.changes, state, held->lock));
  held->guard.emplace(std::move(guard));
  for (const Change& change : plan.changes) {
    Status wrote = write_value(roots, change.path, change.after);
    const auto now = wrote ? value_now(roots, change.path) : std::nullopt;
    // Clocks are rounded to what the hardware has; a word is taken as it is or not at all.
    const bool number = change.after.find_first_not_of("0123456789") == std::string::npos &&
                        change.after.size() > 1;
    held->changes.push_back(change);
    if (now && *now != change.after) {
      if (number)
        held->changes.back().after = *now;
      else
        wrote = missing(fmt::format("{} stays \"{}\"", change.path, one_line(*now, 80)), "");
    }
    if (wrote) continue;
    const Status back = held->put_back();
    return missing(
        fmt::format("cannot set {} to {}: {}; {}", change.path, change.after, wrote.error().message,
                    back ? std::string("all is as before") : back.error().message),
        "see `assay doctor` for what can be set here");
  }
  return Settings(std::move(held));
}

fs::path settings_state() { return cache_dir() / "doctor" / "settings.json"; }

Settings::Settings(std::unique_ptr<Held> held) : held_(std::move(held)) {}
Settings::Settings(Settings&&) noexcept = default;
Settings& Settings::operator=(Settings&& other) noexcept {
  if (this != &other) {
    if (held_) (void)held_->put_back();
    held_ = std::move(other.held_);
  }
  return *this;
}
Settings::~Settings() {
  if (held_) (void)held_->put_back();
}
Status Settings::restore() { return held_->put_back(); }
const std::vector<Change>& Settings::changes() const { return held_->changes; }
const std::vector<std::string>& Settings::notes() const { return held_->notes; }

Result<std::vector<std::string>> restore_file(const Roots& roots, const fs::path& state) {
  ASSAY_TRY(const int lock, lock_state(state));
  struct Close {
    int fd;
    ~Close() { ::close(fd); }
  } close{lock};
  std::error_code ec;
  if (!fs::exists(state, ec)) return std::vector<std::string>{};
  ASSAY_TRY(const State s, read_state(state));
  if (s.root != roots.root.string())
    return bad_input(
        fmt::format("{} was written for the root {}", state.string(), one_line(s.root)),
        "give the same --root");
  std::vector<std::string> out;
  if (s.root == "/" && s.boot_id != boot_id()) {
    out.emplace_back("the machine was started anew since: nothing of it is left");
  } else {
    for (auto c = s.changes.rbegin(); c != s.changes.rend(); ++c) {
      const auto now = value_now(roots, c->path);
      if (now && *now == c->before) continue;
      ASSAY_CHECK(write_value(roots, c->path, c->before));
      out.push_back(fmt::format("{}: put back to {}{}", c->path, c->before,
                                now ? fmt::format(" (was {})", one_line(*now, 80)) : ""));
    }
  }
  fs::remove(state, ec);
  return out;
}

}  // namespace assay::platform

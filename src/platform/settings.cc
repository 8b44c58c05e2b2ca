// SPDX-License-Identifier: Apache-2.0
#include "platform/settings.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/text.h"
#include "platform/cuda.h"
#include "platform/facts_internal.h"
#include "platform/settings_internal.h"

namespace assay::platform {
namespace {

class Planner {
 public:
  explicit Planner(const Roots& roots) : tree_(roots.root) {
    plan_.measuring_cpu = usable_cpus(tree_).back();
  }

  // False when it cannot be set; nothing to do when the file says so already.
  bool set(const std::string& path, const std::string& after) {
    const std::string before = tree_.first_line(path);
    if (before.empty()) {
      plan_.refused.push_back(fmt::format("{}: cannot be read", path));
      return false;
    }
    if (before == after) return true;
    if (writable(tree_, path)) {
      plan_.changes.push_back({path, before, after});
      return true;
    }
    plan_.refused.push_back(
        fmt::format("{}: this user may not write it; run as root (sudo)", path));
    return false;
  }

  void cpu(int number) {
    const size_t refused = plan_.refused.size();
    clock_of(number);
    if (number == plan_.measuring_cpu && plan_.refused.size() > refused)
      plan_.measuring_refused = true;
  }

  void clock_of(int number) {
    const auto path = [&](const char* file) { return cpu_path(number, file); };
    if (!tree_.exists(path("cpufreq/scaling_governor"))) {
      plan_.refused.push_back(fmt::format(
          "cpu{}: no cpufreq/scaling_governor here{}", number,
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
    const bool below_boost = base && *base > 0 && *target <= *base;
    if (boost_ == Boost::unseen && !below_boost && without_base_++ == 0)
      first_without_base_ = number;
    if (boost_ == Boost::refused && !below_boost && number == plan_.measuring_cpu)
      plan_.measuring_refused = true;
    // The highest first: the lowest must never be above it. Undone in reverse.
    set(path("cpufreq/scaling_max_freq"), std::to_string(*target));
    set(path("cpufreq/scaling_min_freq"), std::to_string(*target));
  }

  void boost() {
    const std::string intel = fmt::format("{}/intel_pstate/no_turbo", kCpuFolder);
    const std::string other = fmt::format("{}/cpufreq/boost", kCpuFolder);
    if (tree_.exists(intel))
      boost_ = set(intel, "1") ? Boost::off : Boost::refused;
    else if (tree_.exists(other))
      boost_ = set(other, "0") ? Boost::off : Boost::refused;
  }

  // After all CPUs: where nothing tells of boost, the highest clock is none to rely on.
  void unseen_boost() {
    if (without_base_ > 0)
      plan_.refused.push_back(fmt::format(
          "boost cannot be seen: no intel_pstate/no_turbo, no cpufreq/boost, and no "
          "cpufreq/base_frequency of cpu{}{}",
          first_without_base_,
          without_base_ > 1 ? fmt::format(" and {} more", without_base_ - 1) : std::string()));
  }

  void gpus(const Roots& roots, int mhz, int only) {
    const auto refuse = [&](std::string why) {
      plan_.refused.push_back(std::move(why));
      plan_.gpu_refused = true;
    };
    if (nvml_of_another(roots)) return refuse("GPU clocks: not asked: not this machine");
    const auto all = gpu_facts(roots);
    if (!all) return refuse(fmt::format("GPU clocks: {}", one_line(all.error().message)));
    bool any = false;
    for (const GpuFacts& g : *all) {
      if (only >= 0 && g.index != only) continue;
      any = true;
      if (g.can_lock_clocks)
        plan_.changes.push_back({fmt::format("{}{}.locked_mhz", kGpuPath, g.index),
                                 std::string(kNotLocked), std::to_string(mhz)});
      else
        refuse(
            fmt::format("gpu{}: this user may not lock its clocks; run as root (sudo)", g.index));
    }
    if (!any) refuse(fmt::format("GPU clocks: NVML has no GPU {}", std::max(only, 0)));
  }

  const Tree& tree() const { return tree_; }
  FixPlan take() { return std::move(plan_); }

 private:
  enum class Boost { unseen, off, refused };
  Tree tree_;
  FixPlan plan_;
  Boost boost_ = Boost::unseen;
  int without_base_ = 0, first_without_base_ = 0;
};

// Of the CPUs that were set: those whose lowest clock is not the highest, as read back.
std::vector<std::string> moving_clocks(const Roots& roots, const std::vector<Change>& changes) {
  const Tree tree(roots.root);
  std::set<int> cpus;
  const std::string start = fmt::format("{}/cpu", kCpuFolder);
  for (const Change& c : changes) {
    int cpu = -1;
    if (!c.path.starts_with(start)) continue;
    const auto got =
        std::from_chars(c.path.data() + start.size(), c.path.data() + c.path.size(), cpu);
    if (got.ec == std::errc() && std::string_view(got.ptr).starts_with("/cpufreq/"))
      cpus.insert(cpu);
  }
  std::vector<std::string> out;
  for (const int cpu : cpus) {
    const auto low = tree.number(cpu_path(cpu, "cpufreq/scaling_min_freq"));
    const auto high = tree.number(cpu_path(cpu, "cpufreq/scaling_max_freq"));
    if (!low || !high)
      out.push_back(fmt::format("cpu{}: its range of clocks cannot be read back", cpu));
    else if (*low != *high)
      out.push_back(
          fmt::format("cpu{}: its clock may still move from {} to {} kHz", cpu, *low, *high));
  }
  return out;
}

// All of them in reverse, whatever one says, then looked at: the range of clocks may hang on what
// is put back after it. What it could not put back; "" when all is as before.
std::string put_back_all(const Roots& roots, const std::vector<Change>& changes) {
  std::string failed;
  for (const bool last : {false, true}) {
    for (auto c = changes.rbegin(); c != changes.rend(); ++c) {
      const bool file = gpu_of(c->path) < 0;
      if (file ? value_now(roots, c->path) == c->before : last) continue;
      const Status wrote = write_value(roots, c->path, c->before);
      if (file ? !last : wrote.has_value()) continue;
      const auto now = value_now(roots, c->path);
      if (wrote && now == c->before) continue;
      failed += fmt::format(
          "{}{}", failed.empty() ? "" : "; ",
          wrote ? fmt::format("{} stays \"{}\"", c->path, one_line(now.value_or("unknown"), 80))
                : wrote.error().message);
    }
  }
  return failed;
}

}  // namespace

FixPlan plan_fixed_clocks(const Roots& roots, int gpu_mhz, int gpu) {
  Planner planner(roots);
  planner.boost();  // first: it changes what the highest clock is
  for (const int cpu : online_cpus(planner.tree())) planner.cpu(cpu);
  planner.unseen_boost();
  if (gpu_mhz > 0) planner.gpus(roots, gpu_mhz, gpu);
  return planner.take();
}

struct Settings::Held {
  Roots roots;
  std::vector<Change> changes;
  std::vector<std::string> notes, not_fixed;
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
    for (auto c = changes.rbegin(); c != changes.rend(); ++c) {
      const auto now = value_now(roots, c->path);
      if (now && *now != c->after && *now != c->before)
        notes.push_back(fmt::format("{} was changed meanwhile to \"{}\"; put back to \"{}\"",
                                    c->path, one_line(*now, 80), c->before));
    }
    const std::string failed = put_back_all(roots, changes);
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
    if (!before) return tl::unexpected<Error>(before.error());
    if (before->boot_id == boot_id() || before->root != "/")
      return bad_input(fmt::format("{} holds what a process that is gone has set", state.string()),
                       "assay doctor --restore");
  }
  if (plan.changes.empty()) return Settings(std::move(held));
  held->state = state;
  ASSAY_CHECK(write_file_atomic(
      state,
      dump_json(to_json(State{::getpid(), boot_id(), roots.root.string(), utc_now(), plan.changes}),
                2)));
  auto guard = Guard::start(roots, plan.changes, state, held->lock);
  if (!guard) {
    fs::remove(state, ec);  // nothing is set yet
    return tl::unexpected<Error>(std::move(guard).error());
  }
  held->guard.emplace(std::move(*guard));
  for (const Change& change : plan.changes) {
    Status wrote = write_value(roots, change.path, change.after);
    const auto now = wrote ? value_now(roots, change.path) : std::nullopt;
    // Clocks are rounded to what the hardware has; a word is taken as it is or not at all.
    const bool number = change.after.find_first_not_of("0123456789") == std::string::npos &&
                        change.after.size() > 1;
    held->changes.push_back(change);
    // A file that took nothing needs nothing back.
    if (!wrote && value_now(roots, change.path).value_or(change.before) == change.before)
      held->changes.pop_back();
    if (wrote && !now && gpu_of(change.path) < 0)
      wrote = missing(fmt::format("{} cannot be read back", change.path), "");
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
  held->not_fixed = moving_clocks(roots, held->changes);
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
const std::vector<std::string>& Settings::not_fixed() const { return held_->not_fixed; }
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
      out.push_back(fmt::format("{}: put back to {}{}", c->path, c->before,
                                now ? fmt::format(" (was {})", one_line(*now, 80)) : ""));
    }
    if (const std::string failed = put_back_all(roots, s.changes); !failed.empty())
      return missing("cannot put back: " + failed,
                     fmt::format("run it as root; or set them by hand (or reboot), then remove {}",
                                 state.string()));
  }
  fs::remove(state, ec);
  return out;
}

}  // namespace assay::platform

// SPDX-License-Identifier: Apache-2.0
// Page faults and migrations of one process. The open files stand for that process alone: when its
// number is given to another one, they tell nothing.
#include <fmt/format.h>

#include <string_view>

#include "platform/kernel_file.h"
#include "platform/probe.h"

namespace assay::platform {
namespace {

class FaultSource : public Source {
 public:
  explicit FaultSource(KernelFile file) : file_(std::move(file)) {}
  std::vector<Channel> channels() const override {
    return {{"process.minor_faults", Kind::counter, 0, 0, 0},
            {"process.major_faults", Kind::counter, 0, 0, 0}};
  }
  void read(int64_t, int64_t* out) noexcept override {
    out[0] = out[1] = kUnknown;
    char text[1024];
    const auto n = file_.read(text, sizeof text);
    if (!n) return;
    // "PID (NAME) STATE ...": the name may hold anything, so fields are counted from the last ")".
    std::string_view rest(text, *n);
    const size_t name_end = rest.rfind(')');
    if (name_end == std::string_view::npos) return;
    rest.remove_prefix(name_end + 1);
    for (int field = 3; field <= 12; ++field) {
      if (!rest.starts_with(' ')) return;
      rest.remove_prefix(1);
      if (field == 10) out[0] = count(rest);
      if (field == 12) out[1] = count(rest);
      rest.remove_prefix(std::min(rest.find_first_of(" \n"), rest.size()));
    }
  }

 private:
  static int64_t count(std::string_view rest) {
    const int64_t value = whole_number(rest.substr(0, rest.find(' ')));
    return value >= 0 ? value : kUnknown;
  }
  KernelFile file_;
};

class MigrationSource : public Source {
 public:
  explicit MigrationSource(KernelFile file) : file_(std::move(file)) {}
  std::vector<Channel> channels() const override {
    return {{"process.migrations", Kind::counter, 0, 0, 0}};
  }
  void read(int64_t, int64_t* out) noexcept override {
    *out = kUnknown;
    char text[4096];
    const auto n = file_.read(text, sizeof text);
    if (!n) return;
    std::string_view rest(text, *n);
    constexpr std::string_view kKey = "\nse.nr_migrations";
    const size_t at = rest.find(kKey);
    if (at == std::string_view::npos) return;
    rest.remove_prefix(at + kKey.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (!rest.starts_with(':')) return;
    rest.remove_prefix(1);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const int64_t value = whole_number(rest);
    if (value >= 0) *out = value;
  }

 private:
  KernelFile file_;
};

template <class T>
void open_one(const Tree& tree, const std::string& path, std::string_view what, Sources& sources,
              std::vector<Missing>& missing) {
  KernelFile file(tree, path);
  std::string why = file.why();
  if (file) {
    auto source = std::make_unique<T>(std::move(file));
    int64_t values[2];
    source->read(0, values);
    if (values[0] != kUnknown) {
      sources.push_back(std::move(source));
      return;
    }
    why.assign("not as the kernel writes it");
  }
  missing.push_back({std::string(what), fmt::format("{}: {}", path, why)});
}

}  // namespace

Sources process_sources(const ProbeSpec& spec, std::vector<Missing>& missing) {
  Sources sources;
  if (spec.process <= 0) return sources;
  const Tree tree(spec.roots.root);
  const auto folder = fmt::format("/proc/{}", spec.process);
  open_one<FaultSource>(tree, folder + "/stat", "process.faults", sources, missing);
  open_one<MigrationSource>(tree, folder + "/sched", "process.migrations", sources, missing);
  return sources;
}

}  // namespace assay::platform

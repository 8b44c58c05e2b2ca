// SPDX-License-Identifier: Apache-2.0
// What each made machine tells, as a golden list: ASSAY_UPDATE_GOLDEN=1 writes the lists anew.
#include "platform/probe.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "platform/made_tree.h"

namespace assay::platform {
namespace {

std::string described(Probe& probe) {
  static constexpr const char* kKinds[] = {"gauge", "counter", "mask"};
  std::vector<int64_t> values(probe.channels().size());
  probe.read(1, values);
  std::string out;
  for (size_t k = 0; k < values.size(); ++k) {
    const Channel& c = probe.channels()[k];
    out += fmt::format("{} {}", c.name, kKinds[static_cast<int>(c.kind)]);
    if (c.wrap) out += fmt::format(" wrap={}", c.wrap);
    if (c.refresh_ms) out += fmt::format(" refresh_ms={}", c.refresh_ms);
    if (c.least_interval_ms) out += fmt::format(" least_interval_ms={}", c.least_interval_ms);
    out += values[k] == kUnknown ? ": unknown\n" : fmt::format(": {}\n", values[k]);
  }
  for (const auto& m : probe.missing()) {
    if (m.what != "nvml") out += fmt::format("missing {}: {}\n", m.what, m.why);
  }
  return out;
}

class Machine : public testing::TestWithParam<const char*> {};

TEST_P(Machine, TellsWhatItsGoldenListSays) {
  auto tree = MadeTree::of(GetParam());
  ASSERT_TRUE(tree) << tree.error().message;
  ProbeSpec spec{tree->roots(), {}, true, 0};
  // No library of this machine may answer for a made one.
  spec.roots.nvml = "/nonexistent/libnvidia-ml.so.1";
  Probe probe = Probe::open(spec);
  const std::string got = described(probe);
  const fs::path golden =
      fs::path(ASSAY_TREES) / ".." / "channels" / fmt::format("{}.txt", GetParam());
  if (std::getenv("ASSAY_UPDATE_GOLDEN")) {
    ASSERT_TRUE(write_file_atomic(golden, got));
  }
  const auto expected = read_file(golden);
  ASSERT_TRUE(expected) << expected.error().message;
  EXPECT_EQ(got, *expected);
}

INSTANTIATE_TEST_SUITE_P(Trees, Machine,
                         testing::Values("desktop-amd", "desktop-intel", "container", "virtual",
                                         "h100-server", "jetson-nano-jetpack4",
                                         "jetson-xavier-nx-jetpack4", "jetson-xavier-nx-jetpack5",
                                         "jetson-agx-xavier-jetpack4", "jetson-agx-orin-jetpack5",
                                         "jetson-agx-orin-jetpack6"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace assay::platform

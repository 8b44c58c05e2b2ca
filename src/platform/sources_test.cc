// SPDX-License-Identifier: Apache-2.0
// Sources against machines that lie, change while they are read, or hide their files.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include <algorithm>

#include "platform/made_tree.h"
#include "platform/probe.h"
#include "platform/record.h"
#include "platform/stat_source.h"

namespace assay::platform {
namespace {

ProbeSpec spec_of(const MadeTree& tree) {
  ProbeSpec spec{tree.roots(), {}, true, 0};
  spec.roots.nvml = "/nonexistent/libnvidia-ml.so.1";  // no library of this machine
  return spec;
}

class Read {
 public:
  explicit Read(Probe& probe) {
    record_.channels = probe.channels();
    record_.missing = probe.missing();
    again(probe, 0);
  }
  void again(Probe& probe, int64_t now) {
    std::vector<int64_t> values(record_.channels.size());
    probe.read(now, values);
    record_.add(now, values);
  }
  // The newest value; -7 where there is no such channel.
  int64_t operator[](std::string_view name) const {
    const auto* column = record_.column(name);
    return column ? column->back() : -7;
  }
  std::string why(std::string_view what) const {
    for (const auto& m : record_.missing) {
      if (m.what == what) return m.why;
    }
    return "";
  }
  const Record& record() const { return record_; }

 private:
  Record record_;
};

TEST(Sources, ALyingFileIsUnknownAndComesBack) {
  const auto tree = MadeTree::of("desktop-intel").value();
  Probe probe = Probe::open(spec_of(tree));
  Read read(probe);
  const std::string_view files[][2] = {
      {"cpu0.mhz", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"},
      {"cpu0.throttle_events", "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count"},
      {"psi.cpu_some_us", "/proc/pressure/cpu"},
      {"zone.x86_pkg_temp.millicelsius", "/sys/class/thermal/thermal_zone3/temp"},
      {"rapl.package-0.uj", "/sys/class/powercap/intel-rapl:0/energy_uj"},
      {"cpu0.busy_ticks", "/proc/stat"},
  };
  const std::string_view lies[] = {"",
                                   "\n",
                                   "garbage\n",
                                   "-1000000000\n",
                                   "1e300\n",
                                   "999999999999999999999\n",
                                   std::string_view("\0\1\377", 3)};
  const std::string huge(300'000, '9');
  for (const auto& [channel, path] : files) {
    const std::string truth = read_file(tree.at(path)).value();
    ASSERT_GE(read[channel], 0) << channel;
    for (const auto lie : lies) {
      tree.write(path, lie);
      read.again(probe, 0);
      EXPECT_EQ(read[channel], kUnknown) << channel << " " << lie;
    }
    tree.write(path, huge);
    read.again(probe, 0);
    EXPECT_EQ(read[channel], kUnknown) << channel;
    tree.write(path, truth);
    read.again(probe, 0);
    EXPECT_GE(read[channel], 0) << channel;
  }
}

TEST(Sources, AClockThatIsNoneIsMissingFromTheStart) {
  const auto tree = MadeTree::of("desktop-amd").value();
  tree.write("/sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq", "0\n");
  tree.remove("/sys/devices/system/cpu/cpu4/cpufreq");
  tree.remove("/sys/devices/system/cpu/cpu5/cpufreq/scaling_cur_freq");
  tree.write("/sys/devices/system/cpu/cpu5/cpufreq/cpuinfo_cur_freq", "2100499\n");
  Probe probe = Probe::open(spec_of(tree));
  const Read read(probe);
  EXPECT_EQ(read["cpu2.mhz"], 545);
  EXPECT_EQ(read["cpu3.mhz"], -7);
  EXPECT_EQ(read.why("cpu3.mhz"), "cpufreq/scaling_cur_freq: says no number");
  EXPECT_NE(read.why("cpu4.mhz").find("no cpufreq"), std::string::npos);
  EXPECT_EQ(read["cpu5.mhz"], 2100);
}

TEST(Sources, AFolderOrALinkOutInPlaceOfAFileIsMissing) {
  const auto tree = MadeTree::of("virtual").value();
  tree.remove("/proc/pressure/cpu");
  tree.write("/proc/pressure/cpu/x", "1");
  tree.remove("/proc/stat");
  fs::create_symlink("/proc/stat", tree.at("/proc/stat"));
  Probe probe = Probe::open(spec_of(tree));
  EXPECT_TRUE(probe.channels().empty());
  const Read read(probe);
  EXPECT_EQ(read.why("psi.cpu_some_us"), "/proc/pressure/cpu: not a regular file");
  EXPECT_EQ(read.why("cpu ticks"), "/proc/stat: no such file");
}

TEST(Sources, AnEmptyMachineTellsWhatIsMissing) {
  const auto tree = MadeTree::empty().value();
  Probe probe = Probe::open(spec_of(tree));
  EXPECT_TRUE(probe.channels().empty());
  EXPECT_GE(probe.missing().size(), 5u);
  for (const auto& m : probe.missing()) EXPECT_FALSE(m.why.empty()) << m.what;
}

TEST(Sources, OnlyTheCpusThatWereAskedFor) {
  const auto tree = MadeTree::of("desktop-intel").value();
  auto spec = spec_of(tree);
  spec.cpus = {19, 2, 2, -4, 77};
  Probe probe = Probe::open(spec);
  const Read read(probe);
  EXPECT_EQ(read["cpu2.mhz"], 4687);
  EXPECT_EQ(read["cpu19.mhz"], 3600);
  EXPECT_GT(read["cpu19.busy_ticks"], 0);
  EXPECT_EQ(read["cpu0.mhz"], -7);
  EXPECT_EQ(read["cpu0.busy_ticks"], -7);
  EXPECT_EQ(read.why("cpu77 ticks"), "no such line in /proc/stat");
}

TEST(Sources, ACpuThatGoesOfflineIsUnknown) {
  const auto tree = MadeTree::of("virtual").value();
  Probe probe = Probe::open(spec_of(tree));
  Read read(probe);
  tree.write("/proc/stat", "cpu  5 0 0 0 0 0 0 0 0 0\ncpu0 10 1 2 100 5 3 4 7 9 9\nintr 1\n");
  read.again(probe, 1);
  EXPECT_EQ(read["cpu0.busy_ticks"], 10 + 1 + 2 + 3 + 4);
  EXPECT_EQ(read["cpu0.steal_ticks"], 7);
  EXPECT_EQ(read["cpu1.busy_ticks"], kUnknown);
}

TEST(Sources, MoreCpusThanDescriptorsAreSaid) {
  const auto tree = MadeTree::empty().value();
  std::string stat = "cpu  0 0 0 0 0 0 0 0 0 0\n";
  for (int k = 0; k < 300; ++k) stat += fmt::format("cpu{} {} 0 0 0 0 0 0 0 0 0\n", k, k);
  tree.write("/proc/stat", stat);
  Probe probe = Probe::open(spec_of(tree));
  const Read read(probe);
  EXPECT_EQ(read["cpu191.busy_ticks"], 191);
  EXPECT_EQ(read["cpu192.busy_ticks"], -7);
  EXPECT_EQ(read.why("cpu192 to cpu299"), "a probe reads at most 192 CPUs");
}

TEST(CpuTicks, AreWholeLines) {
  const auto t = parse_cpu_ticks("cpu12 1 2 3 4 5 6 7 8 9 10");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->cpu, 12);
  EXPECT_EQ(t->busy, 1 + 2 + 3 + 6 + 7);
  EXPECT_EQ(t->steal, 8);
  EXPECT_EQ(parse_cpu_ticks("cpu0 1 2 3 4 5 6 7")->steal, kUnknown);
  for (const auto* bad : {"cpu 1 2 3 4 5 6 7 8", "cpu0", "cpu0 1 2 3", "cpu-1 1 2 3 4 5 6 7 8",
                          "cpu0 1 2 -3 4 5 6 7 8", "cpu0 1 2 3 4 5 6 7x 8", "cpux 1 2 3 4 5 6 7 8",
                          "cpu99999 1 2 3 4 5 6 7 8", "cpu0 1e9 2 3 4 5 6 7 8",
                          "cpu0 9223372036854775807 2 3 4 5 6 7 8", "cpu0 1 2 3 4 5 6 7 8x"}) {
    EXPECT_FALSE(parse_cpu_ticks(bad)) << bad;
  }
}

RC_GTEST_PROP(CpuTicks, OfAnyTextAreNoneOrWhole, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::oneOf(
      rc::gen::elementOf(std::string("cpu0123456789  -\n")), rc::gen::arbitrary<char>()));
  const auto ticks = parse_cpu_ticks("cpu1 1 2 3 4 " + text);
  if (!ticks) return;
  RC_ASSERT(ticks->cpu == 1);
  RC_ASSERT(ticks->busy >= 6);
  RC_ASSERT(ticks->steal >= 0 || ticks->steal == kUnknown);
}

RC_GTEST_PROP(Sources, AnyContentIsANumberInRangeOrUnknown, ()) {
  static const auto tree = MadeTree::of("virtual").value();
  static Probe probe = Probe::open(spec_of(tree));
  const auto text = *rc::gen::container<std::string>(rc::gen::oneOf(
      rc::gen::elementOf(std::string("some total=cpu01239  -\n")), rc::gen::arbitrary<char>()));
  tree.write("/proc/stat", fmt::format("cpu  {}\ncpu0 {}", text, text));
  tree.write("/proc/pressure/cpu", fmt::format("some avg10=0.00 total={}", text));
  std::vector<int64_t> values(probe.channels().size());
  probe.read(0, values);
  for (const int64_t value : values) RC_ASSERT(value >= 0 || value == kUnknown);
}

TEST(Sources, RaplOfManyPackagesWrapsAndHasNamesOfItsOwn) {
  const auto tree = MadeTree::of("desktop-intel").value();
  tree.write("/sys/class/powercap/intel-rapl:1/name", "package-0\n");
  tree.write("/sys/class/powercap/intel-rapl:1:1/max_energy_range_uj", "-4\n");
  Probe probe = Probe::open(spec_of(tree));
  Read read(probe);
  EXPECT_EQ(read["rapl.package-0.uj"], 262143328000);
  EXPECT_EQ(read["rapl.package-0-2.uj"], 1200);
  EXPECT_EQ(read["rapl.package-0-2.dram.uj"], 7654322);
  EXPECT_EQ(read.record().channel("rapl.package-0-2.dram.uj")->wrap, 0);
  // The register begins again: 850 uJ to its end, one step to 0, 149 more.
  tree.write("/sys/class/powercap/intel-rapl:0/energy_uj", "149\n");
  read.again(probe, 1'000'000);
  EXPECT_EQ(growth(read.record(), "rapl.package-0.uj", 0, 1), 850 + 1 + 149);
}

TEST(Sources, RaplThatIsNotForThisUserSaysHowToOpenIt) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to read as another user for a moment";
  const auto tree = MadeTree::of("desktop-amd").value();
  const auto path = "/sys/class/powercap/intel-rapl:0/energy_uj";
  fs::permissions(tree.at(path), fs::perms::none);
  fs::permissions(tree.root(), fs::perms::all);
  ::setfsuid(65534);
  Probe probe = Probe::open(spec_of(tree));
  ::setfsuid(0);
  const Read read(probe);
  EXPECT_EQ(read["rapl.package-0.uj"], -7);
  EXPECT_NE(
      read.why("rapl.package-0.uj").find("permission denied; run as root, or once: sudo chmod"),
      std::string::npos)
      << read.why("rapl.package-0.uj");
  EXPECT_GT(read["rapl.package-0.core.uj"], 0);
}

TEST(Sources, SensorsOfOneNameAreNumbered) {
  const auto tree = MadeTree::empty().value();
  for (int k = 0; k < 3; ++k) {
    tree.write(fmt::format("/sys/class/thermal/thermal_zone{}/type", k), "soc thermal\n");
    tree.write(fmt::format("/sys/class/thermal/thermal_zone{}/temp", k),
               fmt::format("{}\n", 1000 * k));
  }
  tree.write("/sys/class/thermal/thermal_zone3/temp", "-274000\n");
  Probe probe = Probe::open(spec_of(tree));
  const Read read(probe);
  EXPECT_EQ(read["zone.soc_thermal.millicelsius"], 0);
  EXPECT_EQ(read["zone.soc_thermal-2.millicelsius"], 1000);
  EXPECT_EQ(read["zone.soc_thermal-3.millicelsius"], 2000);
  EXPECT_EQ(read["zone.thermal_zone3.millicelsius"], kUnknown);
}

TEST(Sources, HwmonTellsOfIntelCpusWithoutZones) {
  const auto tree = MadeTree::of("desktop-intel").value();
  tree.remove("/sys/class/thermal");
  Probe probe = Probe::open(spec_of(tree));
  const Read read(probe);
  EXPECT_EQ(read["zone.coretemp.Package_id_0.millicelsius"], 56000);
  EXPECT_EQ(read["zone.coretemp.Core_0.millicelsius"], 54000);
}

}  // namespace
}  // namespace assay::platform

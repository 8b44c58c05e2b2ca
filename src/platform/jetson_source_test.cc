// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "platform/made_tree.h"
#include "platform/probe.h"
#include "platform/record.h"

namespace assay::platform {
namespace {

struct Board {
  Record record;
  std::vector<Missing> missing;  // before what is opened with it
  Sources sources;

  explicit Board(const MadeTree& tree, bool gpu = true)
      : sources(jetson_sources({tree.roots(), {}, gpu, 0}, missing)) {
    for (const auto& source : sources) {
      for (auto& channel : source->channels()) record.channels.push_back(channel);
    }
    read(0);
  }
  void read(int64_t now) {
    std::vector<int64_t> values(record.channels.size());
    int64_t* at = values.data();
    for (const auto& source : sources) {
      source->read(now, at);
      at += source->channels().size();
    }
    record.add(now, values);
  }
  int64_t operator[](std::string_view name) const {
    const auto* column = record.column(name);
    return column ? column->back() : -7;
  }
  bool lacks(std::string_view what) const {
    for (const auto& m : missing) {
      if (m.what == what && !m.why.empty()) return true;
    }
    return false;
  }
};

constexpr std::string_view kNano = "/sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0/";
constexpr std::string_view kOrin = "/sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon4/";
constexpr int64_t kSecond = 1'000'000'000;

std::string in(std::string_view folder, std::string_view file) {
  return std::string(folder).append(file);
}

TEST(Rails, AMonitorReachedByTwoPathsIsReadOnce) {
  const auto tree = MadeTree::of("jetson-agx-orin-jetpack5").value();
  fs::create_directories(tree.at("/sys/bus/i2c/devices"));
  for (const auto* device : {"1-0040", "1-0041"}) {
    fs::create_symlink(fmt::format("../drivers/ina3221/{}", device),
                       tree.at(fmt::format("/sys/bus/i2c/devices/{}", device)));
  }
  const Board board(tree);
  EXPECT_EQ(board["rail.VDD_GPU_SOC.mw"], 3733);
  EXPECT_EQ(board["rail.VDD_GPU_SOC-2.mw"], -7);
  EXPECT_EQ(board["rail.total.mw"], 10234);
}

TEST(Rails, AreFoundByBusOrByClassAlone) {
  const auto orin = MadeTree::of("jetson-agx-orin-jetpack6").value();
  fs::create_directories(orin.at("/sys/bus/i2c/devices"));
  fs::rename(orin.at("/sys/bus/i2c/drivers/ina3221/1-0040"),
             orin.at("/sys/bus/i2c/devices/1-0040"));
  fs::remove_all(orin.at("/sys/bus/i2c/drivers"));
  EXPECT_EQ(Board(orin)["rail.total.mw"], 3733 + 1589 + 4473);
  fs::create_directories(orin.at("/sys/class/hwmon"));
  fs::rename(orin.at("/sys/bus/i2c/devices/1-0040/hwmon/hwmon4"),
             orin.at("/sys/class/hwmon/hwmon4"));
  fs::remove_all(orin.at("/sys/bus"));
  EXPECT_EQ(Board(orin)["rail.total.mw"], 3733 + 1589 + 4473);
}

TEST(Rails, AnotherChipAtThatAddressIsNone) {
  const auto tree = MadeTree::empty().value();
  const std::string_view chip = "/sys/bus/i2c/devices/0-0048/hwmon/hwmon1/";
  tree.write(in(chip, "name"), "tmp451\n");
  tree.write(in(chip, "in1_input"), "5000\n");
  tree.write(in(chip, "curr1_input"), "1000\n");
  const Board board(tree);
  EXPECT_TRUE(board.record.channels.empty());
  EXPECT_TRUE(board.lacks("rail.*"));
}

TEST(Rails, PowerIsVoltageTimesCurrentWhereThereIsNoPowerFile) {
  const auto tree = MadeTree::of("jetson-nano-jetpack4").value();
  for (int k = 0; k < 3; ++k) tree.remove(fmt::format("{}in_power{}_input", kNano, k));
  const Board board(tree);
  EXPECT_EQ(board["rail.POM_5V_IN.mw"], 2157);  // 5040 mV * 428 mA = 2157.12 mW
  EXPECT_EQ(board["rail.total.mw"], 2157);
}

TEST(Rails, ATotalWithoutOneOfItsRailsIsUnknown) {
  const auto tree = MadeTree::of("jetson-agx-orin-jetpack5").value();
  Board board(tree);
  tree.write(in(kOrin, "curr2_input"), "garbage\n");
  board.read(kSecond);
  EXPECT_EQ(board["rail.VDD_CPU_CV.mw"], kUnknown);
  EXPECT_EQ(board["rail.VDD_GPU_SOC.mw"], 3733);
  EXPECT_EQ(board["rail.total.mw"], kUnknown);
  // From the start: then there is no total at all, and the reason says so.
  const Board later(tree);
  EXPECT_EQ(later["rail.VDD_CPU_CV.mw"], -7);
  EXPECT_EQ(later["rail.total.mw"], -7);
  EXPECT_TRUE(later.lacks("rail.total.mw"));
  EXPECT_TRUE(later.lacks("rail.VDD_CPU_CV.mw"));
}

TEST(Rails, TheRailThatFeedsTheBoardIsTheTotalEvenWhenOthersLie) {
  const auto tree = MadeTree::of("jetson-xavier-nx-jetpack5").value();
  tree.write("/sys/bus/i2c/drivers/ina3221/7-0040/hwmon/hwmon3/in2_input", "1e300\n");
  const Board board(tree);
  EXPECT_EQ(board["rail.total.mw"], 4107);
  EXPECT_TRUE(board.lacks("rail.VDD_CPU_GPU_CV.mw"));
  EXPECT_FALSE(board.lacks("rail.total.mw"));
}

TEST(Rails, AreNotReadMoreOftenThanTheyAreRenewed) {
  const auto tree = MadeTree::of("jetson-agx-orin-jetpack5").value();
  tree.write(in(kOrin, "update_interval"), "140\n");
  Board board(tree);
  EXPECT_EQ(board.record.channel("rail.VDD_GPU_SOC.mw")->refresh_ms, 140);
  EXPECT_EQ(board.record.channel("rail.VDDQ_VDD2_1V8AO.mw")->least_interval_ms, 140);
  EXPECT_EQ(board["rail.total.mw"], 10234);
  board.read(139'000'000);
  EXPECT_EQ(board["rail.total.mw"], kUnknown);
  EXPECT_EQ(board["rail.VDD_GPU_SOC.mw"], kUnknown);
  board.read(140'000'000);
  EXPECT_EQ(board["rail.total.mw"], 10234);
}

TEST(Rails, ChannelsThatAreOffOrNotConnectedAreLeftOut) {
  const auto tree = MadeTree::of("jetson-agx-orin-jetpack5").value();
  tree.write(in(kOrin, "in3_enable"), "0\n");
  const Board board(tree);
  EXPECT_EQ(board["rail.VIN_SYS_5V0.mw"], -7);
  EXPECT_EQ(board["rail.NC.mw"], -7);
  EXPECT_EQ(board["rail.total.mw"], 3733 + 1589 + 439);
}

TEST(Devfreq, IsLeftToNvmlWhereThatTells) {
  const auto tree = MadeTree::of("jetson-agx-orin-jetpack6").value();
  EXPECT_EQ(Board(tree, false)["gpu0.sm_mhz"], -7);
  EXPECT_EQ(Board(tree, true)["gpu0.sm_mhz"], 306);
}

TEST(Devfreq, LoadIsPerMilleAndMayStandElsewhere) {
  const auto tree = MadeTree::of("jetson-nano-jetpack4").value();
  tree.write("/sys/class/devfreq/57000000.gpu/device/load", "996\n");
  Board board(tree);
  EXPECT_EQ(board["gpu0.busy_percent"], 100);
  tree.write("/sys/class/devfreq/57000000.gpu/device/load", "1001\n");
  board.read(kSecond);
  EXPECT_EQ(board["gpu0.busy_percent"], kUnknown);
  tree.remove("/sys/class/devfreq/57000000.gpu/device/load");
  EXPECT_TRUE(Board(tree).lacks("gpu0.busy_percent"));
  tree.write("/sys/devices/gpu.0/load", "120\n");
  EXPECT_EQ(Board(tree)["gpu0.busy_percent"], 12);
}

TEST(Devfreq, OtherDevicesAreNoGpu) {
  const auto tree = MadeTree::empty().value();
  tree.write("/sys/class/devfreq/15340000.vic/cur_freq", "115200000\n");
  EXPECT_EQ(Board(tree)["gpu0.sm_mhz"], -7);
  tree.write("/sys/class/devfreq/gpu-gpc-0/cur_freq", "1386000000\n");
  EXPECT_EQ(Board(tree)["gpu0.sm_mhz"], 1386);
}

}  // namespace
}  // namespace assay::platform

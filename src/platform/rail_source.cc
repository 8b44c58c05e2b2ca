// SPDX-License-Identifier: Apache-2.0
#include "platform/rail_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "platform/unique_names.h"

namespace assay::platform {
namespace {

// Of one rail; also keeps products and sums far from an overflow.
constexpr int64_t kMostMillivolts = 100'000, kMostMilliamperes = 1'000'000;
constexpr int64_t kMostMilliwatts = 1'000'000;
// A reading goes over a slow bus (about 0.2 ms a register): a short interval would load the board
// that it measures.
constexpr int kLeastIntervalMs = 10;

struct Rail {
  std::string name;
  KernelFile power;             // mW, or
  KernelFile voltage, current;  // mV, mA
  int refresh_ms = 0;

  int64_t read() const noexcept {
    if (power) return power.number(0, kMostMilliwatts);
    const int64_t mv = voltage.number(0, kMostMillivolts);
    // A rail that feeds back reads a little below nothing.
    const int64_t ma = current.number(-kMostMilliamperes, kMostMilliamperes);
    if (mv == kUnknown || ma == kUnknown) return kUnknown;
    return (mv * ma + (ma < 0 ? -500 : 500)) / 1000;
  }
};

class RailSource : public Source {
 public:
  RailSource(std::vector<Rail> rails, bool whole) : rails_(std::move(rails)) {
    for (size_t k = 0; k < rails_.size(); ++k) {
      const auto& name = rails_[k].name;
      if (input_ < 0 && (name == "VDD_IN" || name == "POM_5V_IN")) input_ = static_cast<int>(k);
      least_ms_ = std::max(least_ms_, rails_[k].refresh_ms);
    }
    total_ = whole || input_ >= 0;
  }

  std::vector<Channel> channels() const override {
    std::vector<Channel> all;
    for (const auto& rail : rails_) {
      all.push_back(
          {fmt::format("rail.{}.mw", rail.name), Kind::gauge, 0, rail.refresh_ms, least_ms_});
    }
    if (total_) {
      int slowest = 0;
      for (const auto& rail : rails_) slowest = std::max(slowest, rail.refresh_ms);
      all.push_back({"rail.total.mw", Kind::gauge, 0, slowest, least_ms_});
    }
    return all;
  }

  void read(int64_t now_ns, int64_t* out) noexcept override {
    const size_t n = rails_.size();
    if (read_before_ && now_ns - last_ns_ < int64_t{least_ms_} * 1'000'000) {
      std::fill_n(out, n + (total_ ? 1 : 0), kUnknown);
      return;
    }
    read_before_ = true;
    last_ns_ = now_ns;
    int64_t sum = 0;
    for (size_t k = 0; k < n; ++k) {
      out[k] = rails_[k].read();
      // A sum without one of its rails is no total.
      if (sum != kUnknown) sum = out[k] == kUnknown ? kUnknown : sum + out[k];
    }
    if (total_) out[n] = input_ >= 0 ? out[input_] : sum;
  }

 private:
  std::vector<Rail> rails_;
  int input_ = -1;  // the rail through which the whole board is fed
  bool total_ = false, read_before_ = false;
  int least_ms_ = kLeastIntervalMs;
  int64_t last_ns_ = 0;
};

class Finder {
 public:
  Finder(const Tree& tree, std::vector<Missing>& missing) : tree_(tree), missing_(missing) {}

  // The same monitor is reached by its bus and by its driver: once is enough. It is known by its
  // address on the bus ("1-0040").
  void monitors(std::string_view pattern, bool iio) {
    for (const auto& folder : tree_.glob(pattern)) {
      const auto address = address_of(folder, iio);
      const auto name = tree_.first_line(fmt::format("{}/name", folder));
      const bool by_driver = folder.find("/drivers/ina3221") != std::string::npos;
      if (name != "ina3221" && name != "ina3221x" && !(name.empty() && by_driver)) continue;
      if (!seen_.insert(address).second) continue;
      iio ? add_iio(folder, address) : add_hwmon(folder, address);
    }
  }

  std::unique_ptr<Source> take() {
    if (rails_.empty()) return nullptr;
    if (!whole_) {
      const bool fed = std::any_of(rails_.begin(), rails_.end(), [](const Rail& r) {
        return r.name == "VDD_IN" || r.name == "POM_5V_IN";
      });
      if (!fed) {
        missing_.push_back({"rail.total.mw", "a rail cannot be read: a sum would be too small"});
      }
    }
    return std::make_unique<RailSource>(std::move(rails_), whole_);
  }
  bool empty() const { return rails_.empty() && seen_.empty(); }

 private:
  // ".../1-0040/hwmon/hwmon3" and ".../6-0040/iio:device0"; by class alone: the folder itself.
  static std::string address_of(std::string_view folder, bool iio) {
    auto parent = folder.substr(0, folder.rfind('/'));
    if (!iio && parent.ends_with("/hwmon")) parent.remove_suffix(std::string_view("/hwmon").size());
    const auto address = parent.substr(parent.rfind('/') + 1);
    return std::string(address == "hwmon" || address == "class" ? folder : address);
  }

  void add(Rail rail, const std::string& label, const std::string& fallback,
           const std::string& where) {
    // NC: not connected.
    if (label == "NC") return;
    rail.name = names_.take(channel_part(label.empty() ? fallback : label));
    const bool open = rail.power || (rail.voltage && rail.current);
    if (open && rail.read() != kUnknown) {
      rails_.push_back(std::move(rail));
      return;
    }
    whole_ = false;
    const auto& first = rail.voltage ? rail.current : rail.voltage;
    missing_.push_back({fmt::format("rail.{}.mw", rail.name),
                        fmt::format("{}: {}", where, open ? "says no power" : first.why())});
  }

  void add_iio(const std::string& folder, const std::string& address) {
    for (int k = 0; k < 3; ++k) {
      const auto label = tree_.first_line(fmt::format("{}/rail_name_{}", folder, k));
      if (label.empty() && !tree_.exists(fmt::format("{}/in_voltage{}_input", folder, k))) continue;
      Rail rail;
      rail.power = KernelFile(tree_, fmt::format("{}/in_power{}_input", folder, k));
      if (!rail.power) {
        rail.voltage = KernelFile(tree_, fmt::format("{}/in_voltage{}_input", folder, k));
        rail.current = KernelFile(tree_, fmt::format("{}/in_current{}_input", folder, k));
      }
      add(std::move(rail), label, fmt::format("{}-{}", address, k), folder);
    }
  }

  // Channel 7 is the sum of the others' shunts: counting it would count them twice; 4 to 6 are
  // shunt voltages.
  void add_hwmon(const std::string& folder, const std::string& address) {
    const auto interval = tree_.number(fmt::format("{}/update_interval", folder));
    for (int k = 1; k <= 3; ++k) {
      const auto label = tree_.first_line(fmt::format("{}/in{}_label", folder, k));
      if (!tree_.exists(fmt::format("{}/in{}_input", folder, k))) continue;
      if (tree_.number(fmt::format("{}/in{}_enable", folder, k)) == 0) continue;
      Rail rail;
      rail.voltage = KernelFile(tree_, fmt::format("{}/in{}_input", folder, k));
      rail.current = KernelFile(tree_, fmt::format("{}/curr{}_input", folder, k));
      // The driver has multiplied by `samples` already (kernel: hwmon/ina3221).
      rail.refresh_ms =
          interval && *interval > 0 && *interval < 60'000 ? static_cast<int>(*interval) : 0;
      add(std::move(rail), label, fmt::format("{}-{}", address, k), folder);
    }
  }

  const Tree& tree_;
  std::vector<Missing>& missing_;
  std::set<std::string> seen_;
  UniqueNames names_;
  std::vector<Rail> rails_;
  bool whole_ = true;  // no rail had to be left out
};

}  // namespace

std::unique_ptr<Source> open_rails(const Tree& tree, std::vector<Missing>& missing) {
  Finder finder(tree, missing);
  for (const auto* bus : {"drivers/ina3221", "drivers/ina3221x", "devices"}) {
    finder.monitors(fmt::format("/sys/bus/i2c/{}/*-004*/hwmon/hwmon*", bus), false);
    finder.monitors(fmt::format("/sys/bus/i2c/{}/*-004*/iio:device*", bus), true);
  }
  if (finder.empty()) finder.monitors("/sys/class/hwmon/hwmon*", false);
  auto source = finder.take();
  if (!source) {
    missing.push_back({"rail.*", finder.empty()
                                     ? "no INA3221 power monitor (Jetson boards have one)"
                                     : "the INA3221 power monitor tells of no rail"});
  }
  return source;
}

}  // namespace assay::platform

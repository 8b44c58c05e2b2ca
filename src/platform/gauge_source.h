// SPDX-License-Identifier: Apache-2.0
// A source of files that hold one number each: clocks, temperatures, energy counters.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "platform/kernel_file.h"

namespace assay::platform {

class GaugeSource : public Source {
 public:
  // Value = number / `divisor` (rounded to the nearest), of numbers from `least` to `most`.
  void add(Channel channel, KernelFile file, int64_t least, int64_t most, int64_t divisor = 1) {
    channels_.push_back(std::move(channel));
    gauges_.push_back({std::move(file), least, most, divisor});
  }
  bool empty() const { return gauges_.empty(); }
  std::vector<Channel> channels() const override { return channels_; }
  void read(int64_t, int64_t* out) noexcept override {
    for (const auto& g : gauges_) {
      const int64_t value = g.file.number(g.least, g.most);
      // `most` of every user is far below the largest number: the sum does not overflow.
      *out++ = value == kUnknown ? value : (value + g.divisor / 2) / g.divisor;
    }
  }

 private:
  struct Gauge {
    KernelFile file;
    int64_t least, most, divisor;
  };
  std::vector<Channel> channels_;
  std::vector<Gauge> gauges_;
};

}  // namespace assay::platform

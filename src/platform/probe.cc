// SPDX-License-Identifier: Apache-2.0
#include "platform/probe.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "platform/unique_names.h"

namespace assay::platform {
namespace {

void move_into(Sources& all, Sources&& more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

bool tells_of_gpu0(const Sources& sources) {
  for (const auto& source : sources) {
    for (const auto& channel : source->channels()) {
      if (channel.name == "gpu0.sm_mhz" || channel.name == "gpu0.busy_percent") return true;
    }
  }
  return false;
}

}  // namespace

Probe Probe::open(const ProbeSpec& spec) {
  Sources all;
  std::vector<Missing> missing;
  move_into(all, cpu_sources(spec, missing));
  move_into(all, process_sources(spec, missing));
  move_into(all, rapl_sources(spec, missing));
  // Before the boards' own trees: newer Jetson boards have NVML too, and it tells more.
  ProbeSpec board = spec;
  if (spec.gpu) {
    auto nvml = nvml_sources(spec, missing);
    board.gpu = !tells_of_gpu0(nvml);
    move_into(all, std::move(nvml));
  }
  move_into(all, jetson_sources(board, missing));
  return Probe(std::move(all), std::move(missing));
}

Probe::Probe(std::vector<std::unique_ptr<Source>> sources, std::vector<Missing> missing)
    : sources_(std::move(sources)), missing_(std::move(missing)) {
  UniqueNames names;
  for (const auto& source : sources_) {
    auto more = source->channels();
    counts_.push_back(more.size());
    for (auto& channel : more) {
      channel.name = names.take(channel.name);
      channels_.push_back(std::move(channel));
    }
  }
}

void Probe::read(int64_t now_ns, std::span<int64_t> out) noexcept {
  if (out.size() < channels_.size()) {  // a caller's error; nothing is written past its end
    std::fill(out.begin(), out.end(), kUnknown);
    return;
  }
  int64_t* at = out.data();
  for (size_t k = 0; k < sources_.size(); ++k) {
    sources_[k]->read(now_ns, at);
    at += counts_[k];
  }
}

}  // namespace assay::platform

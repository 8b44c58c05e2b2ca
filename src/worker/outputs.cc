// SPDX-License-Identifier: Apache-2.0
// Outputs on the data set, and early_return: the only check that has to look at the very first copy
// of them.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <thread>

#include "worker/checks.h"

namespace assay::worker {
namespace {

constexpr unsigned char sentinel = 0xa5;
// Long against a kernel launch, short against a user's patience: 8 inputs cost 40 ms.
constexpr std::chrono::milliseconds settle_time(5);

struct CloseFile {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

std::string file_name(size_t output) { return fmt::format("main.{}.bin", output); }

LaunchStatus write_error(const fs::path& path) {
  return launch_error(
      "failed", fmt::format("{}: cannot be written: {}", path.string(), std::strerror(errno)));
}

LaunchStatus append(const std::vector<File>& files, const OutputBytes& outputs,
                    const fs::path& dir) {
  for (size_t o = 0; o < files.size(); ++o)
    if (std::fwrite(outputs[o].data(), 1, outputs[o].size(), files[o].get()) != outputs[o].size())
      return write_error(dir / file_name(o));
  return {};
}

void fill_sentinel(Slot& slot) {
  for (AlignedBuffer& b : slot.outputs)
    std::memset(b.data(), sentinel, static_cast<size_t>(b.size()));
}

bool all_sentinel(const OutputBytes& outputs) {
  for (const auto& bytes : outputs)
    for (const std::byte b : bytes)
      if (b != std::byte{sentinel}) return false;
  return true;
}

// One run of slot 0 whose outputs are copied at once and looked at again a little later.
LaunchStatus run_watched(Session& session, int64_t item, OutputBytes& outputs, Mismatches& found) {
  if (auto loaded = session.load_item(item); !loaded) return loaded;
  fill_sentinel(session.slot(0));
  if (auto ran = session.engine().run(0); !ran) return ran;
  outputs = session.outputs_of(0);
  std::this_thread::sleep_for(settle_time);
  const std::string what = fmt::format("item {} after run() came back", item);
  found.note(session.engine().outputs(), outputs, session.outputs_of(0), what);
  if (all_sentinel(outputs) && found.differing == 0) {
    found.differing = 1;
    found.first = fmt::format("item {}: run() came back and wrote no output", item);
  }
  return {};
}

void send_output_events(Session& session) {
  const auto& specs = session.engine().outputs();
  for (size_t o = 0; o < specs.size(); ++o) {
    Json event = {{"event", "output"}, {"role", "main"}};
    event.update(to_json(specs[o]));
    event["n"] = session.request().outputs_count;
    event["file"] = file_name(o);
    session.events().send(event);
  }
}

}  // namespace

LaunchStatus write_outputs(Session& session) {
  const LaunchRequest& request = session.request();
  const bool watch = request.wants("early_return");
  std::vector<File> files;
  for (size_t o = 0; request.outputs_count > 0 && o < session.engine().outputs().size(); ++o) {
    const fs::path path = request.outputs_dir / file_name(o);
    files.emplace_back(std::fopen(path.c_str(), "wbe"));
    if (!files.back()) return write_error(path);
  }
  Mismatches early;
  const int64_t checked = session.check_count();
  const int64_t runs =
      std::max(request.outputs_count, request.checks.empty() ? int64_t{0} : checked);
  for (int64_t item = 0; item < runs; ++item) {
    OutputBytes outputs;
    if (watch && item < checked) {
      if (auto ran = run_watched(session, item, outputs, early); !ran) return ran;
    } else {
      if (auto ran = session.run_item(item); !ran) return ran;
      outputs = session.outputs_of(0);
    }
    if (item < request.outputs_count)
      if (auto written = append(files, outputs, request.outputs_dir); !written) return written;
    if (item < checked) session.expected.push_back(std::move(outputs));
  }
  for (size_t o = 0; o < files.size(); ++o)
    if (std::fclose(files[o].release()) != 0)
      return write_error(request.outputs_dir / file_name(o));
  if (request.outputs_count > 0) send_output_events(session);
  if (watch) session.report("early_return", early);
  return {};
}

}  // namespace assay::worker

// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>

#include "base/text.h"
#include "worker/inside.h"

namespace assay::worker {
namespace {

constexpr int64_t max_item_bytes = int64_t{1} << 30;
constexpr int64_t max_total_bytes = int64_t{8} << 30;  // of all files of one launch

struct CloseFile {
  void operator()(std::FILE* f) const { std::fclose(f); }
};

std::vector<std::string> wanted_names(const Session& session) {
  const std::vector<std::string>& asked = session.request().tensors->names;
  std::vector<std::string> names;
  std::set<std::string> known;
  const auto add = [&](const std::string& name) {
    if (known.insert(name).second) names.push_back(name);
  };
  for (const std::string& name : asked) {
    if (name != "*") {
      add(name);
    } else {
      for (const Json& kernel : session.kernels) add(get_string(kernel, "layer"));
    }
  }
  return names;
}

// One tensor for the first items, one file. What the runner cannot read is a text in `why`.
LaunchStatus write_tensor(Session& session, const std::string& name, const fs::path& path,
                          int64_t items, int64_t& total, TensorSpec& spec, std::string& why) {
  std::unique_ptr<std::FILE, CloseFile> file;
  const auto unwritable = [&] {
    return launch_error(
        "failed", fmt::format("{}: cannot be written: {}", path.string(), std::strerror(errno)));
  };
  for (int64_t item = 0; item < items; ++item) {
    if (auto loaded = session.load_item(item); !loaded) return loaded;
    const auto told = session.engine().tensor_read(0, name, nullptr);
    if (!told) return why = told.error().message, LaunchStatus{};
    if (item == 0) spec = *told;
    if (*told != spec) return why = "its type or shape changes with the input", LaunchStatus{};
    const int64_t size = spec.bytes();
    if (size > max_item_bytes || total + size > max_total_bytes)
      return why = fmt::format("{} an input is more than a launch may write", format_bytes(size)),
             LaunchStatus{};
    std::vector<std::byte> bytes(static_cast<size_t>(size));
    if (size > 0) {
      const auto read = session.engine().tensor_read(0, name, &bytes);
      if (!read) return why = read.error().message, LaunchStatus{};
    }
    if (!file) file.reset(std::fopen(path.c_str(), "wbe"));
    if (!file || std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size())
      return unwritable();
    total += size;
  }
  if (file && std::fclose(file.release()) != 0) return unwritable();
  return {};
}

}  // namespace

LaunchStatus send_tensors(Session& session) {
  const TensorsRequest& wanted = *session.request().tensors;
  if (wanted.items > session.items())
    return launch_error("invalid",
                        fmt::format("request: tensors of {} items wanted, the data set has {}",
                                    wanted.items, session.items()));
  const bool can = (session.engine().flags() & ASSAY_CAP_TENSOR_READ) != 0;
  int64_t total = 0;
  int64_t number = 0;
  for (const std::string& name : wanted_names(session)) {
    Json event = {{"event", "tensor"}, {"name", name}};
    std::string why = can ? "" : "the runner cannot read tensors";
    TensorSpec spec;
    const std::string file = fmt::format("{}.bin", number);
    if (can) {
      auto written = write_tensor(session, name, wanted.dir / file, wanted.items, total, spec, why);
      if (!written) return written;
    }
    if (why.empty()) {
      event["dtype"] = dtype_name(spec.dtype);
      event["shape"] = spec.shape;
      event["n"] = wanted.items;
      event["file"] = file;
      ++number;
    } else {
      event["error"] = one_line(why, 400);
    }
    session.events().send(event);
  }
  return session.refill_slots();
}

}  // namespace assay::worker

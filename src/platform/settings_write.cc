// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "platform/gpu/nvml.h"
#include "platform/settings_internal.h"
#include "platform/tree.h"

namespace assay::platform {

int gpu_of(std::string_view path) {
  if (!path.starts_with(kGpuPath)) return -1;
  path.remove_prefix(kGpuPath.size());
  int gpu = -1;
  const auto got = std::from_chars(path.data(), path.data() + path.size(), gpu);
  return got.ec == std::errc() &&
                 std::string_view(got.ptr, path.data() + path.size()) == ".locked_mhz"
             ? gpu
             : -1;
}

Result<fs::path> file_of(const Roots& roots, const std::string& path) {
  const fs::path file = Tree(roots.root).at(path);
  if (roots.root == "/") return file;
  std::error_code ec;
  const fs::path root = fs::canonical(roots.root, ec);
  const fs::path real = ec ? fs::path() : fs::canonical(file, ec);
  if (ec) return missing(fmt::format("{}: {}", file.string(), ec.message()), "");
  const auto [end, ignored] = std::mismatch(root.begin(), root.end(), real.begin(), real.end());
  if (end != root.end())
    return bad_input(fmt::format("{} leads out of the tree", file.string()), "remove that link");
  return real;
}

std::optional<std::string> value_now(const Roots& roots, const std::string& path) {
  if (gpu_of(path) >= 0) return std::nullopt;
  const Tree tree(roots.root);
  if (!tree.text(path)) return std::nullopt;
  return tree.first_line(path);
}

Status write_value(const Roots& roots, const std::string& path, const std::string& value) {
  if (const int gpu = gpu_of(path); gpu >= 0) {
    int mhz = 0;
    std::from_chars(value.data(), value.data() + value.size(), mhz);
    return mhz > 0 ? lock_gpu_clocks(roots, gpu, mhz) : reset_gpu_clocks(roots, gpu);
  }
  ASSAY_TRY(const fs::path file, file_of(roots, path));
  const int fd = ::open(file.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return missing(fmt::format("{}: {}", path, std::strerror(errno)), "run as root");
  const std::string line = value + "\n";
  const ssize_t n = ::write(fd, line.data(), line.size());
  const int error = n < 0 ? errno : EIO;
  ::close(fd);
  if (n != static_cast<ssize_t>(line.size()))
    return missing(fmt::format("{}: {}", path, std::strerror(error)), "run as root");
  return {};
}

}  // namespace assay::platform

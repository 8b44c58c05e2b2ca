// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

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
    return lock_gpu_clocks(roots, gpu, mhz);
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

// The four calls of NVML that lock clocks; loaded for each use, since this happens twice in a
// measurement.
Status lock_gpu_clocks(const Roots& roots, int gpu, int mhz) {
  void* const library = ::dlopen(roots.nvml.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return missing(fmt::format("cannot load {}", roots.nvml), "install the NVIDIA driver");
  struct Close {
    void* library;
    ~Close() { ::dlclose(library); }
  } close{library};
  using Device = void*;
  const auto init = reinterpret_cast<int (*)()>(::dlsym(library, "nvmlInit_v2"));
  const auto shutdown = reinterpret_cast<int (*)()>(::dlsym(library, "nvmlShutdown"));
  const auto device_of = reinterpret_cast<int (*)(unsigned, Device*)>(
      ::dlsym(library, "nvmlDeviceGetHandleByIndex_v2"));
  const auto lock = reinterpret_cast<int (*)(Device, unsigned, unsigned)>(
      ::dlsym(library, "nvmlDeviceSetGpuLockedClocks"));
  const auto reset =
      reinterpret_cast<int (*)(Device)>(::dlsym(library, "nvmlDeviceResetGpuLockedClocks"));
  if (!init || !shutdown || !device_of || !lock || !reset)
    return missing(fmt::format("{} cannot lock clocks", roots.nvml), "install a newer driver");
  if (const int rc = init(); rc != 0)
    return missing(fmt::format("nvmlInit_v2 gives {}", rc), "nvidia-smi tells what is wrong");
  Device device = nullptr;
  int rc = device_of(static_cast<unsigned>(gpu), &device);
  if (rc == 0)
    rc = mhz > 0 ? lock(device, static_cast<unsigned>(mhz), static_cast<unsigned>(mhz))
                 : reset(device);
  shutdown();
  if (rc != 0)
    return missing(fmt::format("gpu{}: the driver refuses (NVML error {}{})", gpu, rc,
                               rc == 4 ? ": no permission" : ""),
                   "run as root");
  return {};
}

}  // namespace assay::platform

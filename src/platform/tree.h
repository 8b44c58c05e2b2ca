// SPDX-License-Identifier: Apache-2.0
// Small files of /proc and /sys below a root. A file that is missing, unreadable or says nonsense
// is absent, never zero.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace assay::platform {

class Tree {
 public:
  explicit Tree(fs::path root = "/") : root_(std::move(root)) {}

  // `path` is absolute as the kernel names it ("/sys/..."); what is returned lies below the root.
  fs::path at(std::string_view path) const;
  // The same with links resolved; absent when nothing is there or a link leads out of the root.
  std::optional<fs::path> inside(std::string_view path) const;
  bool exists(std::string_view path) const;
  // Content without trailing white space, at most 64 KiB; absent when it cannot be read.
  std::optional<std::string> text(std::string_view path) const;
  std::string first_line(std::string_view path) const;  // "" when absent; made printable
  // A whole number alone on the first line ("-12" too); absent for "<unsupported>", "", "12x".
  std::optional<int64_t> number(std::string_view path) const;
  // Names in a folder, sorted by (length, text) so that cpu2 stands before cpu10; empty when
  // absent.
  std::vector<std::string> list(std::string_view folder) const;
  // Paths (as the kernel names them) that match a pattern in which `*` stands for a part of one
  // name: "/sys/class/hwmon/hwmon*/name". Sorted as `list`.
  std::vector<std::string> glob(std::string_view pattern) const;
  // Value after "key:" (or "key\t:") in a file of lines, as in /proc/cpuinfo, at most `most` bytes
  // of it; "" when absent.
  std::string field(std::string_view path, std::string_view key, size_t most = 400) const;

 private:
  fs::path root_;
};

}  // namespace assay::platform

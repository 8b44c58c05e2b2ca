// SPDX-License-Identifier: Apache-2.0
// One small file of the kernel, opened once and read again and again without allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "platform/channel.h"
#include "platform/tree.h"

namespace assay::platform {

class KernelFile {
 public:
  KernelFile() = default;
  // Opens a file below the tree's root; false when it is absent, no regular file, or not for this
  // user: why() says which.
  KernelFile(const Tree& tree, std::string_view path);
  KernelFile(KernelFile&& other) noexcept;
  KernelFile& operator=(KernelFile&& other) noexcept;
  KernelFile(const KernelFile&) = delete;
  ~KernelFile();
  explicit operator bool() const { return fd_ >= 0; }
  std::string why() const;  // "no such file", "permission denied", ...
  bool forbidden() const;   // it is there, but not for this user

  // How many bytes from the start of the file, at most `size`; absent when it cannot be read now.
  std::optional<size_t> read(char* into, size_t size) const noexcept;
  // A whole number alone on the first line, from `least` to `most`; kUnknown else: a sensor that
  // says nonsense says nothing.
  int64_t number(int64_t least, int64_t most) const noexcept;

 private:
  int fd_ = -1, error_ = 0;
};

// A whole number at the start of `text`, followed by white space or nothing; kUnknown else.
int64_t whole_number(std::string_view text) noexcept;

// A label of the machine as a part of a channel's name: letters, digits, "_", "-", "+"; at most 40
// bytes, "unnamed" when nothing is left.
std::string channel_part(std::string_view label);

}  // namespace assay::platform

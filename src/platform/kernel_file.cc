// SPDX-License-Identifier: Apache-2.0
#include "platform/kernel_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

namespace assay::platform {
namespace {

constexpr bool blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == '\0'; }

}  // namespace

KernelFile::KernelFile(const Tree& tree, std::string_view path) {
  const auto real = tree.inside(path);
  if (!real) {
    error_ = ENOENT;
    return;
  }
  struct stat st {};
  // Asked before it is opened: to open a device or a pipe can have effects.
  if (::stat(real->c_str(), &st) != 0) {
    error_ = errno;
    return;
  }
  if (!S_ISREG(st.st_mode)) {
    error_ = EINVAL;
    return;
  }
  fd_ = ::open(real->c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd_ < 0) error_ = errno;
}

KernelFile::KernelFile(KernelFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), error_(other.error_) {}

KernelFile& KernelFile::operator=(KernelFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(error_, other.error_);
  return *this;
}

KernelFile::~KernelFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::string KernelFile::why() const {
  switch (error_) {
    case 0:
      return "says no number";
    case ENOENT:
      return "no such file";
    case EACCES:
    case EPERM:
      return "permission denied";
    case EINVAL:
      return "not a regular file";
    default:
      return std::strerror(error_);
  }
}

bool KernelFile::forbidden() const { return error_ == EACCES || error_ == EPERM; }

std::optional<size_t> KernelFile::read(char* into, size_t size) const noexcept {
  if (fd_ < 0) return std::nullopt;
  size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(fd_, into + got, size - got, static_cast<off_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && got == 0) return std::nullopt;
    if (n <= 0) break;
    got += static_cast<size_t>(n);
  }
  return got;
}

int64_t KernelFile::number(int64_t least, int64_t most) const noexcept {
  char text[64];
  const auto n = read(text, sizeof text);
  if (!n || *n == sizeof text) return kUnknown;
  const int64_t value = whole_number({text, *n});
  return value >= least && value <= most ? value : kUnknown;
}

int64_t whole_number(std::string_view text) noexcept {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return kUnknown;
  std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  rest = rest.substr(0, rest.find('\n'));
  for (const char c : rest) {
    if (!blank(c)) return kUnknown;
  }
  return value;
}

std::string channel_part(std::string_view label) {
  std::string out;
  for (const char c : label.substr(0, 40)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || c == '+';
    out.push_back(plain ? c : '_');
  }
  if (out.find_first_not_of('_') == std::string::npos) out.assign("unnamed");
  return out;
}

}  // namespace assay::platform

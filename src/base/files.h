// SPDX-License-Identifier: Apache-2.0
// Files as assay treats them: whole or not at all, inside their folder, hashed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace assay {
namespace fs = std::filesystem;

// Whole content of a regular file; usage error when absent, not regular, or larger than
// `max_bytes`.
Result<std::string> read_file(const fs::path& path, int64_t max_bytes = int64_t{1} << 31);
// Writes `path` atomically: temporary in the same folder, fsync, rename, fsync of the folder.
Status write_file_atomic(const fs::path& path, std::string_view content);
Status make_dirs(const fs::path& path);

// SHA-256 as 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);
Result<std::string> sha256_file(const fs::path& path);

// `relative` below `root`: refuses absolute paths, "..", empty parts, and anything that resolves
// (through links) outside `root`. The result exists only if the file does.
Result<fs::path> path_inside(const fs::path& root, std::string_view relative);

// Read-only mapping of a whole regular file; empty files give an empty span.
class MappedFile {
 public:
  static Result<MappedFile> open(const fs::path& path);
  MappedFile(MappedFile&&) noexcept;
  MappedFile& operator=(MappedFile&&) noexcept;
  MappedFile(const MappedFile&) = delete;
  ~MappedFile();
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  MappedFile() = default;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// Folder that is removed with everything in it when the object dies.
class TempDir {
 public:
  static Result<TempDir> create(const fs::path& parent, std::string_view prefix);
  TempDir(TempDir&&) noexcept;
  TempDir& operator=(TempDir&&) noexcept;
  ~TempDir();
  const fs::path& path() const { return path_; }

 private:
  TempDir() = default;
  fs::path path_;
};

fs::path executable_dir();  // folder of the running program
fs::path cache_dir();       // $ASSAY_CACHE, else $XDG_CACHE_HOME/assay, else ~/.cache/assay

}  // namespace assay

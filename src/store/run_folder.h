// SPDX-License-Identifier: Apache-2.0
// The evidence folder of a run: run.db (SQLite, schema/NNN.sql), blobs/ab/cdef... (SHA-256 named),
// lock, scratch/. The audit is the only writer. A blob is complete on disk before a row names it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "store/database.h"

namespace assay::store {

class RunFolder {
 public:
  // Creates or opens for writing: folder made, exclusive lock taken (usage error when another
  // process holds it), migrations applied. A newer schema is refused.
  static Result<RunFolder> open_for_writing(const fs::path& folder);
  // Usage error when `folder` is no run folder. Needs no write permission.
  static Result<RunFolder> open_for_reading(const fs::path& folder);
  RunFolder(RunFolder&&) noexcept;
  ~RunFolder();

  Database& db() { return *db_; }
  const fs::path& folder() const { return folder_; }
  fs::path scratch() const { return folder_ / "scratch"; }

  // Stores bytes or a file under their SHA-256 and returns it. Equal content is stored once.
  Result<std::string> put_blob(std::string_view content);
  Result<std::string> put_blob_file(const fs::path& file);
  fs::path blob_path(std::string_view sha256) const;
  Result<std::string> read_blob(std::string_view sha256) const;
  Result<MappedFile> map_blob(std::string_view sha256) const;
  // Every blob file re-hashed; the names of those whose content differs, or that a row names and
  // are absent.
  Result<std::vector<std::string>> damaged_blobs();

  Result<std::string> meta(std::string_view key);  // "" when absent
  Status set_meta(std::string_view key, std::string_view value);

 private:
  RunFolder() = default;
  Status migrate();
  fs::path folder_;
  std::unique_ptr<Database> db_;
  int lock_fd_ = -1;
};

}  // namespace assay::store
